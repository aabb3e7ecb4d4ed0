"""RuntimeClass: what a pod's runtime class adds to it: overhead, node selector, tolerations.

Source: k8s.io/kubernetes/plugin/pkg/admission/runtimeclass/admission.go.
"""

from typing import Any

from apiserver.admission.plugin import Admission
from apiserver.lister import Lister
from podling.api.errors import GroupResource
from podling.api.field import show
from podling.api.quantity import parse

RUNTIME_CLASSES = GroupResource("node.k8s.io", "runtimeclasses")
DIFFERS = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
WITHOUT = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"

Object = dict[str, Any]


class RuntimeClass:
    name = "RuntimeClass"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def admit(self, write: Admission) -> None:
        pod = write.creates("", "pods")
        if pod is None or not pod["spec"].get("runtimeClassName"):
            return
        spec, found = pod["spec"], self._find(write, pod["spec"])
        if (overhead := (found.get("overhead") or {}).get("podFixed")) is not None:
            if spec.get("overhead") and not _same(spec["overhead"], overhead):
                raise write.forbidden(DIFFERS)
            spec["overhead"] = dict(overhead)
        scheduling = found.get("scheduling") or {}
        _select(write, spec, scheduling.get("nodeSelector") or {})
        tolerations = spec.get("tolerations") or []
        added = [toleration for toleration in scheduling.get("tolerations") or () if toleration not in tolerations]
        if added:
            spec["tolerations"] = [*tolerations, *added]

    async def validate(self, write: Admission) -> None:
        pod = write.creates("", "pods")
        if pod is None:
            return
        spec = pod["spec"]
        found = self._find(write, spec) if spec.get("runtimeClassName") else {}
        overhead = (found.get("overhead") or {}).get("podFixed")
        if overhead is None and spec.get("overhead"):
            raise write.forbidden(WITHOUT)
        if overhead is not None and not _same(spec.get("overhead") or {}, overhead):
            raise write.forbidden(DIFFERS)

    def _find(self, write: Admission, spec: Object) -> Object:
        name = spec["runtimeClassName"]
        found = self._lister.get(RUNTIME_CLASSES, "", name)
        if found is None:
            raise write.forbidden(f"pod rejected: RuntimeClass {show(name)} not found")
        return found


def _same(one: Object, other: Object) -> bool:
    return one.keys() == other.keys() and all(parse(one[key]) == parse(other[key]) for key in one)


def _select(write: Admission, spec: Object, wanted: dict[str, str]) -> None:
    selector = spec.get("nodeSelector") or {}
    for key, value in sorted(wanted.items()):
        if selector.get(key, value) != value:
            raise write.forbidden(
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}"
            )
    if wanted:
        spec["nodeSelector"] = {**selector, **wanted}
