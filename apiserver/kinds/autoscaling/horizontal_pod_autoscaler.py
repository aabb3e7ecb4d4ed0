"""HorizontalPodAutoscaler: how many pods a workload has, by what they use. Stored as v2; v1 is a face of it.

Source: kubernetes/pkg/apis/autoscaling/{v2/defaults.go,validation}.
"""

from apiserver.kinds import columns
from apiserver.kinds.autoscaling import v1
from apiserver.kinds.autoscaling.metrics import metrics_text, validate_metrics, validate_reference
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.versions import Faces, face, hub
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of, validate_counts
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

SELECT_POLICIES, POLICY_TYPES = ("Disabled", "Max", "Min"), ("Percent", "Pods")
MOST_WINDOW_SECONDS, MOST_PERIOD_SECONDS = 3600, 1800
UP = (
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
)
DOWN = ({"type": "Percent", "value": 100, "periodSeconds": 15},)


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec["minReplicas"] = 1 if spec.get("minReplicas") is None else spec["minReplicas"]
    spec["metrics"] = spec.get("metrics") or [v1.cpu_metric(v1.DEFAULT_CPU)]
    if spec.get("behavior") is not None:
        up, down = (spec["behavior"].get(name) or {} for name in ("scaleUp", "scaleDown"))
        spec["behavior"]["scaleUp"] = {"stabilizationWindowSeconds": 0, **_rules(up, UP)}
        spec["behavior"]["scaleDown"] = _rules(down, DOWN)


def _rules(given: Object, policies: tuple[Object, ...]) -> Object:
    return {"selectPolicy": "Max", "policies": [dict(each) for each in policies], **given}


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    errors: ErrorList = []
    if least is not None and least < 1:
        errors.append(field.invalid(SPEC.child("minReplicas"), least, "must be greater than or equal to 1"))
    here = SPEC.child("maxReplicas")
    if most == 0:
        errors.append(field.required(here, "must be set and greater than 0"))
    elif most < 0:
        errors.append(field.invalid(here, most, "must be greater than 0"))
    if least is not None and most < least:
        errors.append(field.invalid(here, most, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    in_a_group = target.get("kind") != "ReplicationController"  # the one of the core group that can be scaled
    errors += validate_reference(target, SPEC.child("scaleTargetRef"), in_a_group=in_a_group)
    errors += validate_metrics(spec.get("metrics") or [], SPEC.child("metrics"), least)
    behavior = spec.get("behavior") or {}
    for name in ("scaleUp", "scaleDown"):
        if behavior.get(name) is not None:
            errors += _scaling(behavior[name], SPEC.child("behavior", name))
    return errors


def _scaling(rules: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    window, select = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    here = path.child("stabilizationWindowSeconds")
    if window is not None and window < 0:
        errors.append(field.invalid(here, window, "must be greater than or equal to zero"))
    if window is not None and window > MOST_WINDOW_SECONDS:
        errors.append(field.invalid(here, window, f"must be less than or equal to {MOST_WINDOW_SECONDS}"))
    if select is not None and select not in SELECT_POLICIES:
        errors.append(field.not_supported(path.child("selectPolicy"), select, SELECT_POLICIES))
    policies = rules.get("policies") or []
    if not policies:
        errors.append(field.required(path.child("policies"), "must specify at least one Policy"))
    for position, each in enumerate(policies):
        errors += _policy(each, path.child("policies").index(position))
    return errors + validate_not_negative(rules.get("tolerance"), path.child("tolerance"))


def _policy(policy: Object, path: Path) -> ErrorList:
    kind, value, period = policy.get("type", ""), policy.get("value", 0), policy.get("periodSeconds", 0)
    errors = [] if kind in POLICY_TYPES else [field.not_supported(path.child("type"), kind, POLICY_TYPES)]
    if value <= 0:
        errors.append(field.invalid(path.child("value"), value, "must be greater than zero"))
    if period <= 0:
        errors.append(field.invalid(path.child("periodSeconds"), period, "must be greater than zero"))
    if period > MOST_PERIOD_SECONDS:
        words = f"must be less than or equal to {MOST_PERIOD_SECONDS}"
        errors.append(field.invalid(path.child("periodSeconds"), period, words))
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    return validate_counts(status_of(new), ("currentReplicas", "desiredReplicas"), STATUS)


def _target(obj: Object) -> str:
    found = spec_of(obj).get("scaleTargetRef") or {}
    return f"{found.get('kind', '')}/{found.get('name', '')}"


def _metrics(obj: Object) -> str:
    return metrics_text(spec_of(obj).get("metrics") or [], status_of(obj).get("currentMetrics") or [])


def _least(obj: Object) -> str:
    least = spec_of(obj).get("minReplicas")
    return "<unset>" if least is None else str(least)


_TYPE = "autoscaling.v2.HorizontalPodAutoscaler"
_SPEC = f"{_TYPE}Spec"
FACES = Faces()
HORIZONTAL_POD_AUTOSCALER = hub(
    Kind(
        group="autoscaling",
        version="v2",
        kind="HorizontalPodAutoscaler",
        plural="horizontalpodautoscalers",
        short_names=("hpa",),
        categories=("all",),
        schema=schema(_TYPE),
        default=default,
        prepare_create=drop_status(_TYPE),
        prepare_update=keep_status,
        validate=validate,
        subresources=(status(validate_status),),
        columns=(
            columns.NAME,
            Column("Reference", "string", columns.documented(_SPEC, "scaleTargetRef"), _target),
            Column("Targets", "string", columns.documented(_SPEC, "metrics"), _metrics),
            Column("MinPods", "string", columns.documented(_SPEC, "minReplicas"), _least),
            columns.shown("MaxPods", _SPEC, "spec.maxReplicas", missing=0),
            columns.shown("Replicas", f"{_TYPE}Status", "status.currentReplicas", missing=0),
            columns.AGE,
        ),
    ),
    FACES,
)
HORIZONTAL_POD_AUTOSCALER_V1 = face(
    HORIZONTAL_POD_AUTOSCALER,
    version="v1",
    schema=schema("autoscaling.v1.HorizontalPodAutoscaler"),
    to_hub=v1.to_hub,
    from_hub=v1.from_hub,
    standing_annotations=v1.OURS,
)
