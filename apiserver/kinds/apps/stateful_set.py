"""StatefulSet."""

from collections.abc import Iterator, Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.fraction import amount, validate_at_most_all, validate_fraction, validate_not_negative
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.persistent_volume_claim import validate_claim_spec, warn_claim_spec
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.scale import scale
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import (
    SPEC,
    STATUS,
    chosen,
    ready,
    selector_text,
    spec_of,
    status_of,
    validate_at_most,
    validate_counts,
    validate_no_decrease,
)
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TEMPLATE, CLAIMS = SPEC.child("template"), SPEC.child("volumeClaimTemplates")
MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
COUNTS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
RETENTION = ("whenDeleted", "whenScaled")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pods.default_template(spec.setdefault("template", {}))
    for name, value in (("replicas", 1), ("revisionHistoryLimit", 10)):
        spec[name] = value if spec.get(name) is None else spec[name]
    spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        rolling["partition"] = rolling.get("partition") or 0
    retention = spec["persistentVolumeClaimRetentionPolicy"] = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for name in RETENTION:
        retention[name] = retention.get(name) or "Retain"
    for claim in spec.get("volumeClaimTemplates") or ():
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        inner = claim.setdefault("spec", {})
        inner["volumeMode"] = inner.get("volumeMode") or "Filesystem"
        claim["status"] = {"phase": "Pending"} | (claim.get("status") or {})


def _validate(obj: Object, *, new: bool) -> ErrorList:
    """`new` as far as sets are let be that were there before Kubernetes looked at claims and the service's name."""
    spec = spec_of(obj)
    errors: ErrorList = []
    policy = spec.get("podManagementPolicy", "")
    if policy not in ("OrderedReady", "Parallel"):
        words = "must be 'OrderedReady' or 'Parallel'"
        errors.append(field.invalid(SPEC.child("podManagementPolicy"), policy, words))
    errors += _strategy(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))
    retention, path = spec.get("persistentVolumeClaimRetentionPolicy") or {}, SPEC.child(MUTABLE[5])
    for name in RETENTION:
        if retention.get(name) not in ("Retain", "Delete"):
            errors.append(field.not_supported(path.child(name), retention.get(name), ("Retain", "Delete")))
    for position, claim in enumerate((spec.get("volumeClaimTemplates") or ()) if new else ()):
        errors += validate_claim_spec(spec_of(claim), CLAIMS.index(position).child("spec"))
    errors += validate_counts(spec, ("replicas", "minReadySeconds"), SPEC)
    start = (spec.get("ordinals") or {}).get("start")
    errors += validate_not_negative(start, SPEC.child("ordinals", "start"))
    if new and spec.get("serviceName"):
        errors += names.each(SPEC.child("serviceName"), spec["serviceName"], names.label(spec["serviceName"]))
    found = chosen(spec, "statefulset")
    errors += found.errors
    template = spec.get("template") or {}
    if found.unreadable:
        errors.append(field.invalid(SPEC.child("selector"), spec["selector"], ""))
    else:
        errors += pods.validate_matching(template, found.selector, TEMPLATE)
        errors += pods.validate_template(_with_claims(template, spec), TEMPLATE)
    return errors + pods.validate_lasting(template, "StatefulSet", TEMPLATE)


def _with_claims(template: Object, spec: Object) -> Object:
    """The template as its pods are made of it: each claim is a volume, instead of any other of its name."""
    claimed = {(each.get("metadata") or {}).get("name", ""): None for each in spec.get("volumeClaimTemplates") or ()}
    inner = template.get("spec") or {}
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claimed]
    volumes += [each for each in inner.get("volumes") or () if each.get("name", "") not in claimed]
    return {**template, "spec": {**inner, "volumes": volumes}}


def _strategy(strategy: Object, path: Path) -> ErrorList:
    kind, rolling, here = strategy.get("type", ""), strategy.get("rollingUpdate"), path.child("rollingUpdate")
    shown = None
    if rolling is not None:
        shown = {"Partition": rolling.get("partition", 0), "MaxUnavailable": rolling.get("maxUnavailable")}
    if kind == "OnDelete":
        words = "only allowed for updateStrategy 'RollingUpdate'"
        return [] if rolling is None else [field.invalid(here, shown, words)]
    if kind != "RollingUpdate":
        value = {"Type": kind, "RollingUpdate": shown}
        return [field.invalid(path, value, "must be 'RollingUpdate' or 'OnDelete'")]
    errors = validate_not_negative((rolling or {}).get("partition"), here.child("partition"))
    most = (rolling or {}).get("maxUnavailable")
    if most is None:
        return errors
    here = here.child("maxUnavailable")
    errors += validate_fraction(most, here)
    if amount(most) == 0:
        errors.append(field.invalid(here, most, "cannot be 0"))
    return errors + validate_at_most_all(most, here)


def validate_create(obj: Object) -> ErrorList:
    return _validate(obj, new=True)


def validate_update(new: Object, old: Object) -> ErrorList:
    return _validate(new, new=False) + _fixed(new, old)


def _fixed(new: Object, old: Object) -> ErrorList:
    now, was = ({name: value for name, value in spec_of(each).items() if name not in MUTABLE} for each in (new, old))
    if now == was:
        return []
    listed = "', '".join(MUTABLE[:-1])
    words = f"updates to statefulset spec for fields other than '{listed}' and '{MUTABLE[-1]}' are forbidden"
    return [field.forbidden(SPEC, words)]


def validate_status(new: Object, old: Object) -> ErrorList:
    found = status_of(new)
    errors = validate_counts(found, (*COUNTS, "observedGeneration", "collisionCount"), STATUS)
    most = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    errors += validate_at_most(found, "replicas", most, "cannot be greater than status.replicas")
    errors += validate_at_most(
        found, "readyReplicas", ("availableReplicas",), "cannot be greater than status.readyReplicas"
    )
    return errors + validate_no_decrease(new, old, "collisionCount")


def warn(obj: Object) -> Sequence[str]:
    return [*_warn_template(obj), *_warn_claims(obj), *_warn_limit(obj)]


def warn_update(new: Object, old: Object) -> Sequence[str]:
    """The claims' paths say Spec here, as Kubernetes has it."""
    return [*pods.warn_update(_warn_template)(new, old), *_warn_claims(new, "Spec"), *_warn_limit(new)]


def _warn_template(obj: Object) -> Sequence[str]:
    return warn_template(pods.template_of(obj), TEMPLATE)


def _warn_claims(obj: Object, *below: str) -> Iterator[str]:
    for position, claim in enumerate(spec_of(obj).get("volumeClaimTemplates") or ()):
        path = CLAIMS.index(position)
        yield from warn_claim_spec(spec_of(claim), path.child(*below) if below else path)


def _warn_limit(obj: Object) -> Iterator[str]:
    if (spec_of(obj).get("revisionHistoryLimit") or 0) < 0:
        words = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield f"spec.revisionHistoryLimit: {words}"


STATEFUL_SET = Kind(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    short_names=("sts",),
    categories=("all",),
    schema=schema("apps.v1.StatefulSet"),
    default=default,
    prepare_create=drop_status("apps.v1.StatefulSet"),
    prepare_update=keep_status,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_name=names.label,
    warn=warn,
    warn_update=warn_update,
    generation=("spec",),
    subresources=(
        scale(lambda obj: selector_text(spec_of(obj).get("selector"))),
        status(validate_status),
    ),
    columns=(
        columns.NAME,
        Column("Ready", "string", "Number of the pod with ready state", ready),
        columns.AGE,
        *pods.COLUMNS,
    ),
)
