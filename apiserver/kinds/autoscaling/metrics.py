"""What a HorizontalPodAutoscaler measures: the five sources of its metrics. Pure.

Source: kubernetes/pkg/apis/autoscaling/validation (validateMetrics).
"""

from collections.abc import Callable, Mapping

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import parse

SOURCES = {  # a metric's type and the field that describes it
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
TARGETS = ("Utilization", "Value", "AverageValue")
TO_ZERO = "must specify at least one Object or External metric to support scaling to zero replicas"


def validate_metrics(metrics: list[Object], path: Path, least_pods: int | None) -> ErrorList:
    errors = [error for place, each in enumerate(metrics) for error in _metric(each, path.index(place))]
    if least_pods == 0 and not {each.get("type") for each in metrics} & {"Object", "External"}:
        errors.append(field.forbidden(path, TO_ZERO))
    return errors


def _metric(metric: Object, path: Path) -> ErrorList:
    kind, here = metric.get("type", ""), path.child("type")
    errors = [] if kind else [field.required(here, "must specify a metric source type")]
    if kind not in SOURCES:
        errors.append(field.not_supported(here, kind, sorted(SOURCES)))
    given = [name for name in SOURCES.values() if metric.get(name) is not None]
    if given:
        errors += _CHECKS[given[0]](metric[given[0]], path.child(given[0]))
    expected = SOURCES.get(kind)
    if expected is None:
        errors.append(field.not_supported(here, kind, sorted(SOURCES)))
    elif expected not in given:
        errors.append(field.required(path.child(expected), "must populate information for the given metric source"))
    if len(given) == 1:
        return errors
    others = [name for name in given if name != expected]
    return errors + [field.forbidden(path.child(name), "must populate the given metric source only") for name in others]


def validate_reference(found: Object, path: Path, *, in_a_group: bool) -> ErrorList:
    """What is scaled, or what an Object metric is about."""
    errors: ErrorList = []
    for name in ("kind", "name"):
        value = found.get(name, "")
        if not value:
            errors.append(field.required(path.child(name)))
        errors += names.each(path.child(name), value, names.path_segment(value))
    version, here = found.get("apiVersion", ""), path.child("apiVersion")
    if version.count("/") > 1:
        errors.append(field.invalid(here, version, f"unexpected GroupVersion string: {version}"))
    elif in_a_group and not version.rpartition("/")[0]:
        errors.append(field.invalid(here, version, "apiVersion must specify API group"))
    return errors


def _object(source: Object, path: Path) -> ErrorList:
    errors = validate_reference(source.get("describedObject") or {}, path.child("describedObject"), in_a_group=False)
    errors += _identified(source, path)
    target = source.get("target") or {}
    if target.get("value") is None and target.get("averageValue") is None:
        words = "must set either a target value or averageValue"
        errors.append(field.required(path.child("target", "averageValue"), words))
    return errors


def _external(source: Object, path: Path) -> ErrorList:
    errors = _identified(source, path)
    target, path = source.get("target") or {}, path.child("target")
    given = [name for name in ("value", "averageValue") if target.get(name) is not None]
    if not given:
        words = "must set either a target value for metric or a per-pod target"
        errors.append(field.required(path.child("averageValue"), words))
    if len(given) == 2:
        words = "may not set both a target value for metric and a per-pod target"
        errors.append(field.forbidden(path.child("value"), words))
    return errors


def _pods(source: Object, path: Path) -> ErrorList:
    errors = _identified(source, path)
    if (source.get("target") or {}).get("averageValue") is None:
        words = "must specify a positive target averageValue"
        errors.append(field.required(path.child("target", "averageValue"), words))
    return errors


def _resource(source: Object, path: Path) -> ErrorList:
    errors = [] if source.get("name") else [field.required(path.child("name"), "must specify a resource name")]
    target, path = source.get("target") or {}, path.child("target")
    errors += _target(target, path)
    given = [name for name in ("averageUtilization", "averageValue") if target.get(name) is not None]
    if not given:
        words = "must set either a target raw value or a target utilization"
        errors.append(field.required(path.child("averageUtilization"), words))
    if len(given) == 2:
        words = "may not set both a target raw value and a target utilization"
        errors.append(field.forbidden(path.child("averageValue"), words))
    return errors


def _container_resource(source: Object, path: Path) -> ErrorList:
    errors = [] if source.get("name") else [field.required(path.child("name"), "must specify a resource name")]
    if not source.get("container"):
        errors.append(field.required(path.child("container"), "must specify a container"))
    return errors + [error for error in _resource(source, path) if error.field != str(path.child("name"))]


def _identified(source: Object, path: Path) -> ErrorList:
    metric, here = source.get("metric") or {}, path.child("metric", "name")
    name = metric.get("name", "")
    errors = names.each(here, name, names.path_segment(name)) if name else [_unnamed(here)]
    return errors + _target(source.get("target") or {}, path.child("target"))


def _unnamed(path: Path) -> field.FieldError:
    return field.required(path, "must specify a metric name")


def _target(target: Object, path: Path) -> ErrorList:
    kind, here = target.get("type", ""), path.child("type")
    errors = [] if kind else [field.required(here, "must specify a metric target type")]
    if kind not in TARGETS:
        errors.append(field.invalid(here, kind, "must be either Utilization, Value, or AverageValue"))
    amounts = ("value", "averageValue")
    if all(target.get(name) is None for name in (*amounts, "averageUtilization")):
        errors.append(field.invalid(path.child(" utilization, value and averageValue"), kind, "at least one not nil"))
    for name in amounts:
        if target.get(name) is not None and parse(target[name]).nanos <= 0:
            errors.append(field.invalid(path.child(name), target[name], "must be positive"))
    used = target.get("averageUtilization")
    if used is not None and used < 1:
        errors.append(field.invalid(path.child("averageUtilization"), used, "must be greater than 0"))
    return errors


_CHECKS: Mapping[str, Callable[[Object, Path], ErrorList]] = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container_resource,
}


def metrics_text(metrics: list[Object], measured: list[Object]) -> str:
    """What is measured and what is wanted, as `kubectl get` shows it: `cpu: 40%/80%, <unknown>/30 + 1 more...`"""
    if not metrics:
        return "<none>"
    shown = [_shown(each, measured[at] if at < len(measured) else {}) for at, each in enumerate(metrics)]
    more = f" + {len(shown) - 2} more..." if len(shown) > 2 else ""
    return ", ".join(shown[:2]) + more


def _shown(metric: Object, measured: Object) -> str:
    kind = metric.get("type", "")
    if kind not in SOURCES:
        return "<unknown type>"
    wanted = metric.get(SOURCES[kind]) or {}
    target, current = wanted.get("target") or {}, (measured.get(SOURCES[kind]) or {}).get("current") or {}
    average = target.get("averageValue")
    if kind in ("Resource", "ContainerResource"):
        head = f"{wanted.get('name', '')}: "
        if average is not None:
            return f"{head}{current.get('averageValue', '<unknown>')}/{average}"
        return f"{head}{_percent(current, '<unknown>')}/{_percent(target, '<auto>')}"
    if kind == "Pods":
        return f"{current.get('averageValue', '<unknown>')}/{average}"
    if average is not None:
        return f"{current.get('averageValue', '<unknown>')}/{average} (avg)"
    return f"{current.get('value', '<unknown>')}/{target.get('value')}"


def _percent(found: Object, missing: str) -> str:
    used = found.get("averageUtilization")
    return missing if used is None else f"{used}%"
