"""LimitRanger: containers get what the namespace's LimitRanges give by default, and are held to their bounds.

Source: kubernetes/plugin/pkg/admission/limitranger.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from apiserver.admission.plugin import Admission
from apiserver.authz.node import PODS
from apiserver.lister import Lister
from podling.api.errors import GroupResource
from podling.api.pod_resources import aggregate, amounts
from podling.api.quantity import Quantity

LIMIT_RANGES = GroupResource("", "limitranges")
CLAIMS = GroupResource("", "persistentvolumeclaims")
ANNOTATION = "kubernetes.io/limit-ranger"
CONTAINERS = (("containers", "container"), ("initContainers", "init container"))

Object = dict[str, Any]


class Asked(NamedTuple):
    """What one container, or pod, or claim asks for."""

    requests: Mapping[str, Quantity]
    limits: Mapping[str, Quantity]


class LimitRanger:
    name = "LimitRanger"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    def _items(self, namespace: str) -> Iterator[Object]:
        for each in self._lister.list(LIMIT_RANGES, namespace):
            yield from (each.get("spec") or {}).get("limits") or ()

    async def admit(self, write: Admission) -> None:
        pod = _pod(write)
        if pod is not None:
            for item in self._items(write.namespace):
                if item.get("type") == "Container":
                    fill_in(pod, item)

    async def validate(self, write: Admission) -> None:
        pod, claim = _pod(write), write.creates(*CLAIMS) or write.updates(*CLAIMS)
        found: list[str] = []
        for item in self._items(write.namespace):
            if pod is not None:
                found += [words for asked in _of_pod(pod, item.get("type", "")) for words in refusals(asked, item)]
            if claim is not None and item.get("type") == "PersistentVolumeClaim":
                found += refusals(of_claim(claim), item)
        if found:
            raise write.forbidden(found[0] if len(found) == 1 else f"[{', '.join(found)}]")


def _pod(write: Admission) -> Object | None:
    """One that is new, or that asks for other amounts."""
    resized = write.kind.resource == PODS and write.subresource == "resize"
    return write.object if resized else write.creates(*PODS)


def fill_in(pod: Object, item: Object) -> None:
    """Give containers the limits and requests that they do not have; an annotation tells which."""
    told = [
        words
        for part, noun in CONTAINERS
        for container in (pod.get("spec") or {}).get(part) or ()
        for words in _fill_container(container, noun, item)
    ]
    if told:
        annotations = pod["metadata"].get("annotations") or {}
        pod["metadata"]["annotations"] = {**annotations, ANNOTATION: f"LimitRanger plugin set: {'; '.join(told)}"}


def _fill_container(container: Object, noun: str, item: Object) -> Iterator[str]:
    resources = container.setdefault("resources", {})
    for part, given, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
        missing = {
            name: value for name, value in (item.get(given) or {}).items() if name not in (resources.get(part) or {})
        }
        if missing:
            resources[part] = {**(resources.get(part) or {}), **missing}
            yield f"{', '.join(sorted(missing))} {word} for {noun} {container.get('name', '')}"


def _of_pod(pod: Object, kind: str) -> Iterable[Asked]:
    spec = pod.get("spec") or {}
    if kind == "Pod":
        return [Asked(aggregate(spec, "requests"), aggregate(spec, "limits"))]
    if kind != "Container":
        return []
    every = (container for part, _ in CONTAINERS for container in spec.get(part) or ())
    return [_asked(container.get("resources") or {}) for container in every]


def of_claim(claim: Object) -> Asked:
    """Of claims only what they request counts."""
    return Asked(amounts(((claim.get("spec") or {}).get("resources") or {}).get("requests")), {})


def _asked(resources: Object) -> Asked:
    return Asked(amounts(resources.get("requests")), amounts(resources.get("limits")))


def refusals(asked: Asked, item: Object) -> list[str]:
    """Why an item of a LimitRange refuses this; [] when it does not."""
    kind = item.get("type", "")
    most = _too_large_claim if kind == "PersistentVolumeClaim" else _too_large
    checks = [("min", _too_small), ("max", most)]
    if kind != "PersistentVolumeClaim":
        checks.append(("maxLimitRequestRatio", _too_far))
    found = [
        words
        for part, check in checks
        for name, bound in sorted(amounts(item.get(part)).items())
        for words in (check(asked, name, bound, kind),)
    ]
    return [words for words in found if words]


def _too_small(asked: Asked, name: str, least: Quantity, kind: str) -> str:
    request, limit = asked.requests.get(name), asked.limits.get(name)
    head = f"minimum {name} usage per {kind} is {least}"
    if request is None:
        return f"{head}.  No request is specified"
    if request.nanos < least.nanos:
        return f"{head}, but request is {request}"
    return f"{head}, but limit is {limit}" if limit is not None and limit.nanos < least.nanos else ""


def _too_large(asked: Asked, name: str, most: Quantity, kind: str) -> str:
    request, limit = asked.requests.get(name), asked.limits.get(name)
    head = f"maximum {name} usage per {kind} is {most}"
    if limit is None:
        return f"{head}.  No limit is specified"
    if limit.nanos > most.nanos:
        return f"{head}, but limit is {limit}"
    return f"{head}, but request is {request}" if request is not None and request.nanos > most.nanos else ""


def _too_large_claim(asked: Asked, name: str, most: Quantity, kind: str) -> str:
    request = asked.requests.get(name)
    head = f"maximum {name} usage per {kind} is {most}"
    if request is None:
        return f"{head}.  No request is specified"
    return f"{head}, but request is {request}" if request.nanos > most.nanos else ""


def _too_far(asked: Asked, name: str, most: Quantity, kind: str) -> str:
    request, limit = asked.requests.get(name), asked.limits.get(name)
    head = f"{name} max limit to request ratio per {kind} is {most}"
    if request is None or not request.nanos:
        return f"{head}, but no request is specified or request is 0"
    if limit is None or not limit.nanos:
        return f"{head}, but no limit is specified or limit is 0"
    ratio = limit.nanos / request.nanos
    return f"{head}, but provided ratio is {ratio:f}" if ratio * 10**9 > most.nanos else ""
