"""How many pods there should be of those that a budget covers: what their controllers are scaled to.

The workloads that Kubernetes has itself are known; any other kind with a scale subresource is asked for it.
Source: k8s.io/kubernetes/pkg/controller/disruption/disruption.go (getExpectedScale, getScaleController).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from podling.api.errors import ApiError, GroupResource, NotFound
from podling.client.client import Client, Served
from podling.client.informer import Informer
from podling.client.informers import Informers
from podling.client.resource import DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, scale

SCALED = (REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, DEPLOYMENTS)
PARENTS = (("apps", "ReplicaSet"), ("", "ReplicationController"), ("apps", "StatefulSet"))  # of pods


class Unscaled(Exception):
    """Nothing says how many there should be of a pod that has a controller. `passing`: asked again, something may."""

    def __init__(self, words: str, *, passing: bool = False) -> None:
        super().__init__(words)
        self.passing = passing


class Scaled(NamedTuple):
    uid: str
    replicas: int


class Scales:
    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._known = {each.kind: informers.get(each) for each in SCALED}
        self._served: dict[tuple[str, str], Served] = {}

    @property
    def informers(self) -> Iterable[Informer[Any]]:
        return self._known.values()

    async def expected(self, pods: Sequence[Any]) -> tuple[int, list[str]]:
        """The sum over the pods' controllers, and the names of the pods that have none. Raises Unscaled."""
        by_owner: dict[str, Scaled] = {}
        unmanaged: list[str] = []
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                unmanaged.append(pod.metadata.name)
            elif owner.uid not in by_owner:
                found = await self._scaled(pod.metadata.namespace, owner)
                if found is None:
                    raise Unscaled(f'found no controllers for pod "{pod.metadata.name}"')
                by_owner[owner.uid] = found
        replicas = {each.uid: each.replicas for each in by_owner.values()}  # ReplicaSets may share a Deployment
        return sum(replicas.values()), unmanaged

    async def _scaled(self, namespace: str, owner: Any) -> Scaled | None:
        """Of the owner, or of the Deployment that owns it; None for nothing."""
        group = owner.apiVersion.rpartition("/")[0]
        found = self._item(owner.kind, namespace, owner) if (group, owner.kind) in PARENTS else None
        above = controller_of(found) if found is not None and owner.kind == "ReplicaSet" else None
        if above is not None and above.kind == "Deployment":
            found = self._item("Deployment", namespace, above)
        if found is not None:
            return Scaled(found.metadata.uid, found.spec.replicas or 0)
        try:
            return await self._asked(namespace, owner, group)
        except ApiError as error:
            raise Unscaled(error.message, passing=True) from None

    async def _asked(self, namespace: str, owner: Any, group: str) -> Scaled | None:
        served = await self._of(group, owner.kind)
        if served is None:
            raise Unscaled(f'no matches for kind "{owner.kind}" in version "{owner.apiVersion}"')
        of = served.of
        if "scale" not in served.subresources:
            raise Unscaled(f"{GroupResource(of.group, of.plural)} does not implement the scale subresource")
        try:
            found = await self._client.get(scale(of), owner.name, namespace, subresource="scale")
        except NotFound:
            return None
        if found.metadata is None or found.metadata.uid != owner.uid:
            return None
        return Scaled(str(owner.uid), (found.spec and found.spec.replicas) or 0)

    async def _of(self, group: str, kind: str) -> Served | None:
        """Asked for again while there is nothing to scale."""
        found = self._served.get((group, kind))
        if found is None or "scale" not in found.subresources:
            discovered = await self._client.discover()
            self._served = {(each.of.group, each.of.kind): each for each in discovered.served}
        return self._served.get((group, kind))

    def _item(self, kind: str, namespace: str, owner: Any) -> Any:
        found = self._known[kind].get(f"{namespace}/{owner.name}")
        return found if found is not None and found.metadata.uid == owner.uid else None


def controller_of(item: Any) -> Any:
    return next((each for each in item.metadata.ownerReferences or () if each.controller), None)
