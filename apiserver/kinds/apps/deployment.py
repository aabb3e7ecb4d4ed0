"""Deployment."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.fraction import amount, validate_at_most_all, validate_fraction, validate_not_negative
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.scale import scale
from apiserver.kinds.strategy import drop_status, keep_spec_and_labels, keep_status, status
from apiserver.kinds.workload import (
    SPEC,
    STATUS,
    chosen,
    count,
    ready,
    selector_column,
    selector_text,
    spec_of,
    status_of,
    validate_at_most,
    validate_counts,
    validate_no_decrease,
    validate_selector_update,
)
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("Recreate", "RollingUpdate")
TEMPLATE = SPEC.child("template")
COUNTS = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
COUNTS_MORE = ("terminatingReplicas", "unavailableReplicas", "collisionCount")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pods.default_template(spec.setdefault("template", {}))
    for name, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        spec[name] = value if spec.get(name) is None else spec[name]
    strategy = spec["strategy"] = spec.get("strategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for name in ("maxUnavailable", "maxSurge"):
            rolling[name] = "25%" if rolling.get(name) is None else rolling[name]


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = validate_not_negative(spec.get("replicas"), SPEC.child("replicas"))
    found = chosen(spec, "deployment")
    errors += found.errors
    if found.unreadable:
        errors.append(field.invalid(SPEC.child("selector"), spec["selector"], "invalid label selector"))
    else:
        template = spec.get("template") or {}
        errors += pods.validate_matching(template, found.selector, TEMPLATE)
        errors += pods.validate_template(template, TEMPLATE)
        errors += pods.validate_lasting(template, "ReplicaSet", TEMPLATE)
    errors += _strategy(spec.get("strategy") or {}, SPEC.child("strategy"))
    errors += validate_counts(spec, ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"), SPEC)
    deadline, least = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if deadline is not None and deadline <= least:
        path = SPEC.child("progressDeadlineSeconds")
        errors.append(field.invalid(path, deadline, "must be greater than minReadySeconds"))
    return errors


def _strategy(strategy: Object, path: Path) -> ErrorList:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "Recreate":
        words = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [field.forbidden(path.child("rollingUpdate"), words)]
    if kind == "RollingUpdate":
        return _rolling(rolling or {}, path.child("rollingUpdate"))
    shown = None if rolling is None else {f"{name[0].upper()}{name[1:]}": rolling.get(name) for name in _ROLLING}
    return [field.not_supported(path, {"Type": kind, "RollingUpdate": shown}, TYPES)]


_ROLLING = ("maxUnavailable", "maxSurge")


def _rolling(rolling: Object, path: Path) -> ErrorList:
    errors = [error for name in _ROLLING for error in validate_fraction(rolling.get(name), path.child(name))]
    unavailable, here = rolling.get("maxUnavailable"), path.child("maxUnavailable")
    if amount(unavailable) == 0 and amount(rolling.get("maxSurge")) == 0:
        errors.append(field.invalid(here, unavailable, "may not be 0 when `maxSurge` is 0"))
    return errors + validate_at_most_all(unavailable, here)


def validate_status(new: Object, old: Object) -> ErrorList:
    found = status_of(new)
    errors = validate_counts(found, (*COUNTS, *COUNTS_MORE), STATUS)
    most = ("updatedReplicas", "readyReplicas", "availableReplicas")
    errors += validate_at_most(found, "replicas", most, "cannot be greater than status.replicas")
    errors += validate_at_most(found, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas")
    return errors + validate_no_decrease(new, old, "collisionCount")


def _warn(obj: Object) -> Sequence[str]:
    return warn_template(pods.template_of(obj), TEMPLATE)


_STATUS = "apps.v1.DeploymentStatus"
DEPLOYMENT = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    short_names=("deploy",),
    categories=("all",),
    schema=schema("apps.v1.Deployment"),
    default=default,
    prepare_create=drop_status("apps.v1.Deployment"),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_selector_update,
    warn=lambda obj: [*pods.warn_name(obj), *_warn(obj)],
    warn_update=pods.warn_update(_warn),
    generation=("spec", "metadata.annotations"),
    subresources=(
        scale(lambda obj: selector_text(spec_of(obj).get("selector"))),
        status(validate_status, keep_spec_and_labels),
    ),
    columns=(
        columns.NAME,
        Column("Ready", "string", "Number of the pod with ready state", ready),
        count("Up-to-date", _STATUS, "updatedReplicas", "string"),
        count("Available", _STATUS, "availableReplicas", "string"),
        columns.AGE,
        *pods.COLUMNS,
        selector_column("apps.v1.DeploymentSpec"),
    ),
)
