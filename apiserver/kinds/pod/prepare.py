"""What a pod becomes on its way in. Source: kubernetes/pkg/registry/core/pod/strategy.go, PrepareForCreate."""

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.affinity import PREFERRED, REQUIRED
from podling.api.meta import timestamp
from podling.api.pod_resources import qos_class

GATED = "Scheduling is blocked due to non-empty scheduling gates"


def prepare_create(obj: Object) -> None:
    spec = obj["spec"]
    status: Object = {"phase": "Pending", "qosClass": qos_class(spec)}
    if spec.get("schedulingGates"):
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": GATED,
                "lastProbeTime": None,
                "lastTransitionTime": timestamp(),
            }
        ]
    obj["status"] = status
    _drop_ambiguous(spec)
    _match_label_keys(spec, obj["metadata"].get("labels") or {})


def prepare_update(new: Object, old: Object) -> None:
    new["status"] = old.get("status", {})


def _drop_ambiguous(spec: Object) -> None:
    """A stop signal means something for a named operating system only. 1.36 has it behind a feature gate that is off,
    and drops all; podling those that the gate would not let in."""
    if (spec.get("os") or {}).get("name"):
        return
    for part in ("containers", "initContainers"):
        for container in spec.get(part) or ():
            lifecycle = container.get("lifecycle")
            if lifecycle is not None and lifecycle.pop("stopSignal", None) is not None and not lifecycle:
                del container["lifecycle"]


def _match_label_keys(spec: Object, labels: dict[str, str]) -> None:
    """`matchLabelKeys` stand for the values that this very pod has: they are written into the selector."""
    for constraint in spec.get("topologySpreadConstraints") or ():
        _select(constraint, labels, {"matchLabelKeys": "In"})
    affinity = spec.get("affinity") or {}
    for name in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(name) or {}
        terms = [
            *(found.get(REQUIRED) or ()),
            *(each.get("podAffinityTerm") or {} for each in found.get(PREFERRED) or ()),
        ]
        for term in terms:
            _select(term, labels, {"matchLabelKeys": "In", "mismatchLabelKeys": "NotIn"})


def _select(holder: Object, labels: dict[str, str], operators: dict[str, str]) -> None:
    selector = holder.get("labelSelector")
    if selector is None:
        return
    for name, operator in operators.items():
        for key in holder.get(name) or ():
            if key in labels:
                expression = {"key": key, "operator": operator, "values": [labels[key]]}
                selector.setdefault("matchExpressions", []).append(expression)
