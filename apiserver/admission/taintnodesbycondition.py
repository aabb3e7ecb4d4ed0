"""TaintNodesByCondition: a new node takes no pods before it is said to be ready.

Source: k8s.io/kubernetes/plugin/pkg/admission/nodetaint/admission.go.
"""

from apiserver.admission.plugin import Admission, Mutating

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNodesByCondition(Mutating):
    name = "TaintNodesByCondition"

    async def admit(self, write: Admission) -> None:
        node = write.creates("", "nodes")
        if node is None:
            return
        spec = node.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(all(taint.get(key) == value for key, value in NOT_READY.items()) for taint in taints):
            spec["taints"] = [*taints, dict(NOT_READY)]
