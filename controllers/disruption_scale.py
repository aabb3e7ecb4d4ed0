"""How many pods there should be of those that a budget covers: what their controllers are scaled to.

Source: k8s.io/kubernetes/pkg/controller/disruption/disruption.go (getExpectedScale).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from podling.client.informer import Informer
from podling.client.informers import Informers
from podling.client.resource import DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS

SCALED = (REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, DEPLOYMENTS)
PARENTS = ("ReplicaSet", "ReplicationController", "StatefulSet")  # of pods


class Unscaled(Exception):
    """Nothing says how many there should be of a pod that has a controller."""


class Scales:
    def __init__(self, informers: Informers) -> None:
        self._known = {each.kind: informers.get(each) for each in SCALED}

    @property
    def informers(self) -> Iterable[Informer[Any]]:
        return self._known.values()

    def expected(self, pods: Sequence[Any]) -> tuple[int, list[str]]:
        """The sum over the pods' controllers, and the names of the pods that have none. Raises Unscaled."""
        replicas: dict[str, int] = {}
        unmanaged: list[str] = []
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                unmanaged.append(pod.metadata.name)
                continue
            found = self._scaled(pod.metadata.namespace, owner)
            if found is None:
                raise Unscaled(f'found no controllers for pod "{pod.metadata.name}"')
            replicas[found.metadata.uid] = found.spec.replicas or 0
        return sum(replicas.values()), unmanaged

    def _scaled(self, namespace: str, owner: Any) -> Any:
        """The owner, or the Deployment that owns it; None for nothing."""
        found = self._item(owner.kind, namespace, owner) if owner.kind in PARENTS else None
        above = controller_of(found) if found is not None else None
        if above is not None and above.kind == "Deployment":
            return self._item("Deployment", namespace, above)
        return found

    def _item(self, kind: str, namespace: str, owner: Any) -> Any:
        found = self._known[kind].get(f"{namespace}/{owner.name}")
        return found if found is not None and found.metadata.uid == owner.uid else None


def controller_of(item: Any) -> Any:
    return next((each for each in item.metadata.ownerReferences or () if each.controller), None)
