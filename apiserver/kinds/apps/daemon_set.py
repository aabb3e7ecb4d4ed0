"""DaemonSet."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.fraction import amount, validate_at_most_all, validate_fraction
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import (
    SPEC,
    STATUS,
    chosen,
    count,
    selector_column,
    spec_of,
    status_of,
    validate_counts,
    validate_no_decrease,
    validate_selector_update,
)
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TEMPLATE = SPEC.child("template")
GENERATION = "deprecated.daemonset.template.generation"  # an annotation in v1, a field in the form that is stored
TYPES = ("RollingUpdate", "OnDelete")
COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pods.default_template(spec.setdefault("template", {}))
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for name, value in (("maxUnavailable", 1), ("maxSurge", 0)):
            rolling[name] = value if rolling.get(name) is None else rolling[name]
    if spec.get("revisionHistoryLimit") is None:
        spec["revisionHistoryLimit"] = 10
    if GENERATION not in (obj["metadata"].get("annotations") or {}):
        _count_template(obj, 0)


_drop_status = drop_status("apps.v1.DaemonSet")


def prepare_create(obj: Object) -> None:
    _drop_status(obj)
    _count_template(obj, 1)


def prepare_update(new: Object, old: Object) -> None:
    """A changed template counts up the annotation that stands for it."""
    keep_status(new, old)
    before = int((old["metadata"].get("annotations") or {}).get(GENERATION, 0))
    changed = spec_of(new).get("template") != spec_of(old).get("template")
    _count_template(new, before + 1 if changed else before)


def _count_template(obj: Object, generation: int) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    obj["metadata"]["annotations"] = {**annotations, GENERATION: str(generation)}


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    template = spec.get("template") or {}
    found = chosen(spec, "daemonset")
    errors = found.errors if spec.get("selector") is not None else []  # without one, none of its pods is its own
    if not found.unreadable:
        errors += pods.validate_matching(template, found.selector, TEMPLATE)
    errors += pods.validate_template(template, TEMPLATE)
    errors += pods.validate_lasting(template, "DaemonSet", TEMPLATE)
    errors += validate_counts(spec, ("minReadySeconds",), SPEC)
    errors += _strategy(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))
    return errors + validate_counts(spec, ("revisionHistoryLimit",), SPEC)


def _strategy(strategy: Object, path: Path) -> ErrorList:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        return [field.not_supported(path, {"Type": kind, "RollingUpdate": rolling}, TYPES)]
    unavailable, surge = (rolling or {}).get("maxUnavailable"), (rolling or {}).get("maxSurge")
    path = path.child("rollingUpdate")
    here, there = path.child("maxUnavailable"), path.child("maxSurge")
    errors = validate_fraction(unavailable, here) + validate_fraction(surge, there)
    errors += validate_at_most_all(unavailable, here) + validate_at_most_all(surge, there)
    if amount(unavailable) and amount(surge):
        errors.append(field.invalid(there, surge, "may not be set when maxUnavailable is non-zero"))
    if not amount(unavailable) and not amount(surge):
        errors.append(field.required(here, "cannot be 0 when maxSurge is 0"))
    return errors


def validate_status(new: Object, old: Object) -> ErrorList:
    return validate_counts(status_of(new), COUNTS, STATUS) + validate_no_decrease(new, old, "collisionCount")


def validate_update(new: Object, old: Object) -> ErrorList:
    """Kubernetes looks at the spec twice here."""
    return validate(new) + validate_selector_update(new, old)


def _warn(obj: Object) -> Sequence[str]:
    return warn_template(pods.template_of(obj), TEMPLATE)


def warn_update(new: Object, old: Object) -> Sequence[str]:
    """Of its own counter, which counts the changes of the template alone."""
    return _warn(new) if pods.template_of(new) != pods.template_of(old) else ()


def _node_selector(obj: Object) -> str:
    return columns.labelled((pods.template_of(obj).get("spec") or {}).get("nodeSelector"))


_STATUS = "apps.v1.DaemonSetStatus"
DAEMON_SET = Kind(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    short_names=("ds",),
    categories=("all",),
    schema=schema("apps.v1.DaemonSet"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    validate_update=validate_update,
    warn=_warn,
    warn_update=warn_update,
    generation=("spec",),
    standing_annotations=(GENERATION,),
    subresources=(status(validate_status),),
    columns=(
        columns.NAME,
        count("Desired", _STATUS, "desiredNumberScheduled"),
        count("Current", _STATUS, "currentNumberScheduled"),
        count("Ready", _STATUS, "numberReady"),
        count("Up-to-date", _STATUS, "updatedNumberScheduled"),
        count("Available", _STATUS, "numberAvailable"),
        Column("Node Selector", "string", columns.documented("core.v1.PodSpec", "nodeSelector"), _node_selector),
        columns.AGE,
        *pods.COLUMNS,
        selector_column("apps.v1.DaemonSetSpec"),
    ),
)
