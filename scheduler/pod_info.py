"""A pod as the scheduler sees it: what it reserves, asks and looks like, each worked out once and when needed."""

from collections import Counter
from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from typing import Any

from lightkube.models.core_v1 import Pod, ResourceRequirements

from podling.api import resources
from podling.api.host_ports import HostPort, host_ports
from scheduler.terms import Likeness, Terms, terms_of

# What a container without requests is taken to use when nodes are scored, so that such pods spread too.
# Source: k8s.io/kubernetes/pkg/scheduler/util: DefaultMilliCPURequest, DefaultMemoryRequest.
UNSAID = {resources.CPU: "100m", resources.MEMORY: "200Mi"}
Requests = Mapping[str, str]


class PodInfo:
    """Of one version of a pod. Amounts as in podling.api.resources."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.uid = str(pod.metadata.uid)
        self.namespace = str(pod.metadata.namespace)
        self.priority = pod.spec.priority or 0

    @cached_property
    def likeness(self) -> Likeness:
        meta: Any = self.pod.metadata
        labels = meta.labels or {}
        owner = next((owner.uid for owner in meta.ownerReferences or () if owner.controller), "")
        return Likeness(self.namespace, frozenset(labels.items()), owner, bool(meta.deletionTimestamp), labels)

    @cached_property
    def terms(self) -> Terms:
        return terms_of(self.pod.spec.affinity, self.namespace)

    @cached_property
    def requests(self) -> Counter[str]:
        """What it reserves. While its containers are resized, the larger of what they ask and what they have; what they
        have alone, where the node can never give what they ask."""
        had = _had(self.pod)
        if not had:
            return resources.requests(self.pod.spec)
        never = _is_infeasible(self.pod)

        def counted(name: str, asked: Requests) -> Requests:
            return had.get(name, asked) if never else _larger(asked, had.get(name, {}))

        return resources.requests(_with(self.pod.spec, counted))

    @cached_property
    def assumed_use(self) -> Counter[str]:
        """As `requests`, and for containers that say nothing what they are taken to use."""
        return resources.requests(_with(self.pod.spec, lambda name, asked: {**UNSAID, **asked}))

    @cached_property
    def host_ports(self) -> list[HostPort]:
        return host_ports(self.pod)

    @property
    def nominated_node(self) -> str:
        return (self.pod.status.nominatedNodeName if self.pod.status else None) or ""


def _had(pod: Pod) -> dict[str, Requests]:
    """By container, what the kubelet has allocated or still gives it; empty where that is what it asks, so nearly
    always."""
    status: Any = pod.status
    statuses = [*(status.containerStatuses or ()), *(status.initContainerStatuses or ())] if status else []
    had = {each.name: given for each in statuses if (given := _given(each))}
    containers = [*pod.spec.containers, *(pod.spec.initContainers or ())] if had else []
    asked = {c.name: (c.resources.requests if c.resources else None) or {} for c in containers}
    return {name: given for name, given in had.items() if given != asked.get(name)}


def _given(status: Any) -> Requests:
    actual = (status.resources.requests if status.resources else None) or {}
    return _larger(status.allocatedResources, actual) if status.allocatedResources else actual


def _is_infeasible(pod: Pod) -> bool:
    conditions: Any = (pod.status.conditions if pod.status else None) or ()
    return any((c.type, c.status, c.reason) == ("PodResizePending", "True", "Infeasible") for c in conditions)


def _larger(one: Requests, other: Requests) -> Requests:
    amount = resources.amount
    names = one.keys() | other.keys()
    return {name: max(one.get(name, "0"), other.get(name, "0"), key=lambda q: amount(name, q)) for name in names}


def _with(spec: Any, requests: Callable[[str, Requests], Requests]) -> Any:
    """The spec with its containers' requests replaced."""

    def changed(container: Any) -> Any:
        asked = (container.resources.requests if container.resources else None) or {}
        return _but(container, resources=ResourceRequirements(requests=dict(requests(container.name, asked))))

    init = [changed(container) for container in spec.initContainers or ()]
    return _but(spec, containers=[changed(container) for container in spec.containers], initContainers=init)


def _but(item: Any, **changes: Any) -> Any:
    """As `dataclasses.replace`, which does not take lightkube's own."""
    copied = copy(item)
    for name, value in changes.items():
        setattr(copied, name, value)
    return copied
