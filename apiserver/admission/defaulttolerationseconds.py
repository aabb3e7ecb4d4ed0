"""DefaultTolerationSeconds: pods stay five minutes on a node that is not ready or not reachable, unless they say.

Source: k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds/admission.go.
"""

from typing import Any

from apiserver.admission.plugin import Admission, Mutating

SECONDS = 300
TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerationSeconds(Mutating):
    name = "DefaultTolerationSeconds"

    async def admit(self, write: Admission) -> None:
        pod = write.creates("", "pods") or write.updates("", "pods")
        if pod is None:
            return
        tolerations = pod["spec"].get("tolerations") or []
        added = [
            {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
            for taint in TAINTS
            if not any(_speaks_of(toleration, taint) for toleration in tolerations)
        ]
        if added:
            pod["spec"]["tolerations"] = [*tolerations, *added]


def _speaks_of(toleration: dict[str, Any], taint: str) -> bool:
    return toleration.get("key", "") in {"", taint} and toleration.get("effect", "") in {"", "NoExecute"}
