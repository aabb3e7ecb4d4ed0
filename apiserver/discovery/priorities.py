"""Which groups, and which of their versions, clients should prefer: the numbers of APIServices. Pure.

Source: cmd/kube-apiserver/app/aggregator.go, pkg/controlplane/apiserver/aggregator.go (Kubernetes 1.36).
"""

from collections.abc import Iterable
from typing import NamedTuple

from apiserver.discovery.priority import priority as age

REGISTRATION = "apiregistration.k8s.io"  # has no APIService of its own, and comes first


class Priority(NamedTuple):
    group: int
    version: int


PRIORITIES: dict[tuple[str, str], Priority] = {
    ("", "v1"): Priority(18000, 1),
    ("apps", "v1"): Priority(17800, 15),
    ("events.k8s.io", "v1"): Priority(17750, 15),
    ("authentication.k8s.io", "v1"): Priority(17700, 15),
    ("authorization.k8s.io", "v1"): Priority(17600, 15),
    ("autoscaling", "v2"): Priority(17500, 30),
    ("autoscaling", "v1"): Priority(17500, 15),
    ("batch", "v1"): Priority(17400, 15),
    ("certificates.k8s.io", "v1"): Priority(17300, 15),
    ("networking.k8s.io", "v1"): Priority(17200, 15),
    ("policy", "v1"): Priority(17100, 15),
    ("rbac.authorization.k8s.io", "v1"): Priority(17000, 15),
    ("storage.k8s.io", "v1"): Priority(16800, 15),
    ("admissionregistration.k8s.io", "v1"): Priority(16700, 15),
    ("apiextensions.k8s.io", "v1"): Priority(16700, 15),
    ("scheduling.k8s.io", "v1"): Priority(16600, 15),
    ("coordination.k8s.io", "v1"): Priority(16500, 15),
    ("node.k8s.io", "v1"): Priority(16300, 15),
    ("discovery.k8s.io", "v1"): Priority(16200, 15),
    ("resource.k8s.io", "v1"): Priority(16200, 15),
    ("flowcontrol.apiserver.k8s.io", "v1"): Priority(16100, 21),
}
METRICS = Priority(100, 100)  # as metrics-server registers itself
CUSTOM = Priority(1000, 100)


def priority_of(group: str, version: str) -> Priority:
    """Of what this server serves itself."""
    if group == REGISTRATION:
        return Priority(1 << 31, 15)
    return PRIORITIES.get((group, version)) or (METRICS if group == "metrics.k8s.io" else CUSTOM)


def is_built_in(group: str, version: str) -> bool:
    return (group, version) in PRIORITIES or group == "metrics.k8s.io"


def ordered(found: Iterable[tuple[str, str, Priority]]) -> dict[str, list[str]]:
    """Groups, the greatest priority first, each with its versions, best first. Source: SortedByGroupAndVersion."""
    by_group = sorted(set(found), key=lambda each: (-each[2].group, f"{each[1]}.{each[0]}"))
    groups: dict[str, list[tuple[str, Priority]]] = {}
    for group, version, number in by_group:
        groups.setdefault(group, []).append((version, number))
    return {
        group: [version for version, _ in sorted(versions, key=lambda each: (-each[1].version, age(each[0])))]
        for group, versions in groups.items()
    }
