"""The snapshot, kept by informers and by what the scheduler has decided itself.

A pod that was just placed counts on its node at once (assumed), before the API shows it bound; it stops counting when
binding failed (`forget`) or the pod ends. A pod that waits for others to leave a node is nominated to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightkube.models.core_v1 import Node, Pod

from podling.api.selectors import Requirement
from scheduler.plugins.plugin import PODS, ROOM
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

ENDED = ("Succeeded", "Failed")
Changes = frozenset[str]
NOTHING: Changes = frozenset()


class Cache:
    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._placed: dict[str, tuple[PodInfo, str]] = {}  # by uid, with the node's name
        self._homeless: dict[str, dict[str, PodInfo]] = {}  # pods of nodes not seen yet, by node name
        self._nominated: dict[str, str] = {}  # node names by pod uid

    def set_node(self, name: str, node: Node | None) -> None:
        known = self.snapshot.nodes.get(name)
        if known and node:
            known.renew(node)
        elif known:
            self._homeless[name] = dict(known.pods)
            for pod in self._homeless[name].values():
                self.snapshot.remove(pod, known)
            del self.snapshot.nodes[name]
        elif node:
            added = self.snapshot.nodes[name] = NodeInfo(node)
            for pod in self._homeless.pop(name, {}).values():
                self.snapshot.add(pod, added)

    def set_pod(self, old: Pod | None, new: Pod | None) -> Changes:
        """What an informer told; what it changed for pods that wait."""
        if old is not None and new is not None and old.metadata.uid != new.metadata.uid:
            return self.set_pod(old, None) | self.set_pod(None, new)  # gone, and made again under its name
        pod = new or old
        if pod is None:
            return NOTHING
        uid = str(pod.metadata.uid)
        if new is None or (new.status and new.status.phase in ENDED):
            self.nominate(PodInfo(pod), "")
            return frozenset({ROOM, PODS}) if self.forget(uid) else NOTHING
        info = PodInfo(new)
        if new.spec.nodeName:
            self.nominate(info, "")
            return self._renew(info, new.spec.nodeName)
        if info.nominated_node or (old is not None and PodInfo(old).nominated_node):
            self.nominate(info, info.nominated_node)
        return NOTHING

    def _renew(self, pod: PodInfo, node_name: str) -> Changes:
        """A newer version of a pod that is placed, or is seen placed."""
        was, where = self._placed.get(pod.uid, (None, ""))
        self.forget(pod.uid)
        self.assume(pod, node_name)
        if was is None or where != node_name:
            return frozenset({PODS})
        smaller = any(pod.requests[name] < amount for name, amount in was.requests.items())
        other = pod.likeness != was.likeness
        return frozenset({*([ROOM] if smaller else ()), *([PODS] if other else ())})

    def counts(self, uid: str) -> bool:
        """Placed already, seen or assumed."""
        return uid in self._placed

    def assume(self, pod: PodInfo, node_name: str) -> None:
        self._placed[pod.uid] = pod, node_name
        if (node := self.snapshot.nodes.get(node_name)) is not None:
            self.snapshot.add(pod, node)
        else:
            self._homeless.setdefault(node_name, {})[pod.uid] = pod

    def forget(self, uid: str) -> bool:
        """True when the pod counted on a node."""
        pod, node_name = self._placed.pop(uid, (None, ""))
        if pod is None:
            return False
        if (node := self.snapshot.nodes.get(node_name)) is not None:
            self.snapshot.remove(pod, node)
        self._homeless.get(node_name, {}).pop(uid, None)
        return True

    @contextmanager
    def without(self, uid: str) -> Iterator[None]:
        """As if that pod were not there."""
        placed = self._placed.get(uid)
        self.forget(uid)
        try:
            yield
        finally:
            if placed:
                self.assume(*placed)

    def nominate(self, pod: PodInfo, node_name: str) -> None:
        """ "" takes the nomination back."""
        nominated = self.snapshot.nominated
        if old := self._nominated.pop(pod.uid, ""):
            del nominated[old][pod.uid]
            if not nominated[old]:
                del nominated[old]
        if node_name:
            nominated.setdefault(node_name, {})[pod.uid] = pod
            self._nominated[pod.uid] = node_name

    def set_namespace(self, name: str, labels: dict[str, str] | None) -> None:
        if labels is None:
            self.snapshot.namespaces.pop(name, None)
        else:
            self.snapshot.namespaces[name] = labels

    def set_service(self, namespace: str, name: str, service: Any) -> None:
        known = self.snapshot.services.setdefault(namespace, {})
        selector = (service.spec.selector if service is not None and service.spec else None) or {}
        if service is None:
            known.pop(name, None)
        else:
            known[name] = tuple(Requirement(key, "=", (value,)) for key, value in selector.items())
