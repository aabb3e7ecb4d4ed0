"""HorizontalPodAutoscaler in autoscaling/v1, which knows one metric: how much of its CPU a pod uses. Pure.

All else stands in annotations, as JSON of former types: other metrics and what was measured, conditions, behavior.
Source: kubernetes/pkg/apis/autoscaling/v1/conversion.go.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from apiserver.kinds.go import internal
from apiserver.kinds.kind import Object
from apiserver.kinds.workload import spec_of, status_of

DEFAULT_CPU = 80
_HEAD = "autoscaling.alpha.kubernetes.io/"
METRICS, MEASURED, CONDITIONS, BEHAVIOR = (
    _HEAD + name for name in ("metrics", "current-metrics", "conditions", "behavior")
)


def cpu_metric(percent: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


# From v2 to v1.


def from_hub(obj: Object) -> Object:
    spec, status = spec_of(obj), status_of(obj)
    metrics, measured = spec.get("metrics") or [], status.get("currentMetrics") or []
    others = [each for each in metrics if _cpu(each, "target") is None]
    notes = {
        METRICS: [_flat(each, "target") for each in others],
        MEASURED: [_flat(each, "current") for each in measured],
        CONDITIONS: [_ordered(each, _CONDITION) for each in status.get("conditions") or ()],
        BEHAVIOR: spec.get("behavior") and internal(spec["behavior"], "autoscaling.v2.HorizontalPodAutoscalerBehavior"),
    }
    made = _annotated(obj, {name: json.dumps(value, separators=(",", ":")) for name, value in notes.items() if value})
    made["spec"] = {name: value for name, value in spec.items() if name not in ("metrics", "behavior")}
    first: Object = next((each for each in metrics if (each.get("resource") or {}).get("name") == "cpu"), {})
    _put(made["spec"], "targetCPUUtilizationPercentage", _cpu(first, "target"))
    made["status"] = {name: value for name, value in status.items() if name not in ("currentMetrics", "conditions")}
    made["status"].setdefault("currentReplicas", 0)
    for each in measured:
        _put(made["status"], "currentCPUUtilizationPercentage", _cpu(each, "current"))
    return made


def _put(into: Object, name: str, value: Any) -> None:
    if value is not None:
        into[name] = value


def _cpu(metric: Object, amounts: str) -> int | None:
    """How much of their CPU pods use or should, where the metric is that one."""
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    found: int | None = (resource.get(amounts) or {}).get("averageUtilization")
    return found


def _annotated(obj: Object, notes: Object) -> Object:
    """A copy whose annotations of ours are `notes` alone."""
    kept = {name: value for name, value in (obj["metadata"].get("annotations") or {}).items() if name not in OURS}
    metadata = {name: value for name, value in obj["metadata"].items() if name != "annotations"}
    if kept or notes:
        metadata["annotations"] = {**kept, **notes}
    return {**obj, "metadata": metadata}


OURS = (METRICS, MEASURED, CONDITIONS, BEHAVIOR)
_CONDITION = ("type", "status", "lastTransitionTime", "reason", "message")

# A field of the former types, and where it is in v2; `#` stands for "target" or "current".
_NAME, _SELECTOR = ("metricName", "metric.name"), ("selector", "metric.selector")
_AVERAGE, _VALUE, _USED = (
    ("#AverageValue", "#.averageValue"),
    ("#Value", "#.value"),
    ("#AverageUtilization", "#.averageUtilization"),
)
_FORMS: dict[str, Sequence[tuple[str, str]]] = {
    "object": (("target", "describedObject"), _NAME, _VALUE, _SELECTOR, ("averageValue", "#.averageValue")),
    "pods": (_NAME, _AVERAGE, _SELECTOR),
    "resource": (("name", "name"), _USED, _AVERAGE),
    "containerResource": (("name", "name"), _USED, _AVERAGE, ("container", "container")),
    "external": (_NAME, ("metricSelector", "metric.selector"), _VALUE, _AVERAGE),
}
_REQUIRED = {  # written as zero where v2 has none: no pointers
    "target": {"pods": ("targetAverageValue",), "object": ("targetValue",)},
    "current": {
        "pods": ("currentAverageValue",),
        "object": ("currentValue",),
        "external": ("currentValue",),
        "resource": ("currentAverageValue",),
        "containerResource": ("currentAverageValue",),
    },
}
_REFERENCE = ("kind", "name", "apiVersion")


def _flat(metric: Object, amounts: str) -> Object:
    made: Object = {"type": metric.get("type", "")}
    for source, form in _FORMS.items():
        if (found := metric.get(source)) is None:
            continue
        made[source] = {}
        for former, path in form:
            name, value = former.replace("#", amounts), _at(found, path.replace("#", amounts))
            if value is None and name in _REQUIRED[amounts].get(source, ()):
                value = "0"
            if name == "target":
                value = _ordered(value or {}, _REFERENCE)
            _put(made[source], name, value)
    return made


def _ordered(found: Object, order: Sequence[str]) -> Object:
    return {name: found.get(name) for name in order if found.get(name) or name == "lastTransitionTime"}


def _at(found: Any, path: str) -> Any:
    for part in path.split("."):
        found = (found or {}).get(part)
    return found


# From v1 to v2.


def to_hub(obj: Object) -> Object:
    spec, status = spec_of(obj), status_of(obj)
    notes = obj["metadata"].get("annotations") or {}
    made = _annotated(obj, {})
    made["spec"] = {name: value for name, value in spec.items() if name != "targetCPUUtilizationPercentage"}
    wanted = spec.get("targetCPUUtilizationPercentage")
    metrics = [_deep(each, "target") for each in _list(notes.get(METRICS))]
    if wanted is not None:
        metrics.append(cpu_metric(wanted))
    made["spec"]["metrics"] = metrics or [cpu_metric(DEFAULT_CPU)]
    if behavior := _external_names(_read(notes.get(BEHAVIOR), dict)):
        made["spec"]["behavior"] = behavior
    made["status"] = {name: value for name, value in status.items() if name != "currentCPUUtilizationPercentage"}
    if not made["status"].get("currentReplicas"):
        made["status"].pop("currentReplicas", None)
    used = status.get("currentCPUUtilizationPercentage")
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": used}}}
    measured = [_deep(each, "current") for each in _list(notes.get(MEASURED))]
    made["status"]["currentMetrics"] = measured or ([current] if used is not None else None)
    if conditions := _list(notes.get(CONDITIONS)):
        made["status"]["conditions"] = conditions
    return made


def _read(text: str | None, shape: Callable[[], Any]) -> Any:
    """What an annotation says; nothing, where it is malformed."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return shape()
    return found if isinstance(found, shape) else shape()  # type: ignore[arg-type]


def _list(text: str | None) -> list[Object]:
    return [each for each in _read(text, list) if isinstance(each, dict)]


def _deep(metric: Object, amounts: str) -> Object:
    made: Object = {"type": metric.get("type", "")}
    for source, form in _FORMS.items():
        found = metric.get(source)
        if not isinstance(found, dict):
            continue
        made[source] = {"metric": {"name": ""}} if source in ("object", "pods", "external") else {}
        made[source][amounts] = {}
        for name, path in form:
            value = found.get(name.replace("#", amounts))
            if value is not None:
                *parents, last = path.replace("#", amounts).split(".")
                into = made[source]
                for part in parents:
                    into = into.setdefault(part, {})
                into[last] = value
        if amounts == "target":
            made[source]["target"]["type"] = _target_type(source, found)
    return made


def _target_type(source: str, found: Object) -> str:
    if source in ("resource", "containerResource"):
        return "AverageValue" if found.get("targetAverageUtilization") is None else "Utilization"
    if source == "object":
        return "Value" if found.get("averageValue") is None else "AverageValue"
    return "AverageValue" if source == "pods" or found.get("targetValue") is None else "Value"


def _external_names(value: Any) -> Any:
    """Go's names of fields as the API's, without what is null."""
    if isinstance(value, list):
        return [_external_names(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name[:1].lower() + name[1:]: _external_names(each) for name, each in value.items() if each is not None}
