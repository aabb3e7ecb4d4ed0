"""Priority: the priority and preemption policy of a pod's class; classes have one default at most.

Source: k8s.io/kubernetes/plugin/pkg/admission/priority/admission.go.
"""

from typing import Any

from apiserver.admission.plugin import Admission
from apiserver.lister import Lister
from podling.api.errors import GroupResource

PRIORITY_CLASSES = GroupResource("scheduling.k8s.io", "priorityclasses")
PREEMPT = "PreemptLowerPriority"
SYSTEM_CLASSES: dict[str, dict[str, Any]] = {  # that Kubernetes creates at its start
    "system-cluster-critical": {"value": 2_000_000_000, "preemptionPolicy": PREEMPT},
    "system-node-critical": {"value": 2_000_001_000, "preemptionPolicy": PREEMPT},
}
NO_CLASS = {"value": 0, "preemptionPolicy": PREEMPT}


class Priority:
    name = "Priority"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def admit(self, write: Admission) -> None:
        if (pod := write.updates("", "pods")) is not None:
            old = (write.old or {}).get("spec") or {}
            for key in ("priority", "preemptionPolicy"):
                if pod["spec"].get(key) is None and key in old:
                    pod["spec"][key] = old[key]
        elif (pod := write.creates("", "pods")) is not None:
            self._resolve(write, pod["spec"])

    async def validate(self, write: Admission) -> None:
        group, plural = PRIORITY_CLASSES
        new = write.creates(group, plural) or write.updates(group, plural)
        if new is None or not new.get("globalDefault"):
            return
        for other in self._lister.list(PRIORITY_CLASSES):
            name = other["metadata"]["name"]
            if other.get("globalDefault") and name != write.shown_name:
                raise write.forbidden(f"PriorityClass {name} is already marked as default. Only one default can exist")

    def _resolve(self, write: Admission, spec: dict[str, Any]) -> None:
        name = spec.get("priorityClassName", "")
        if name:
            found = self._lister.get(PRIORITY_CLASSES, "", name) or SYSTEM_CLASSES.get(name)
            if found is None:
                raise write.forbidden(f"no PriorityClass with name {name} was found")
        else:
            found = self._default()
            if "metadata" in found:
                spec["priorityClassName"] = found["metadata"]["name"]
        suffix = "from the given PriorityClass name"
        value, said = found.get("value", 0), spec.get("priority")
        if said is not None and said != value:
            raise write.forbidden(
                f"the integer value of priority ({said}) must not be provided in pod spec; "
                f"priority admission controller computed {value} {suffix}"
            )
        spec["priority"] = value
        policy, said = found.get("preemptionPolicy"), spec.get("preemptionPolicy")
        if policy is None:
            return
        if said is not None and said != policy:
            raise write.forbidden(
                f"the string value of PreemptionPolicy ({said}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} {suffix}"
            )
        spec["preemptionPolicy"] = policy

    def _default(self) -> dict[str, Any]:
        """The class for pods that name none: of several defaults the lowest."""
        defaults = [found for found in self._lister.list(PRIORITY_CLASSES) if found.get("globalDefault")]
        return min(defaults, key=lambda found: int(found.get("value", 0)), default=NO_CLASS)
