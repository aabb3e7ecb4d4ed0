"""The cluster as the scheduler sees it, kept by informers and by what it has decided itself.

A pod that was just placed counts on its node at once (assumed), before the API shows it bound; it stops counting when
binding failed (`forget`) or the pod ends.
"""

from collections.abc import Sequence

from lightkube.models.core_v1 import Node, Pod

from scheduler.snapshot import NodeInfo, uid_of

ENDED = ("Succeeded", "Failed")


class Cache:
    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._node_of: dict[str, str] = {}  # pod uid to node name
        self._homeless: dict[str, dict[str, Pod]] = {}  # pods of nodes not seen yet, by node name

    def nodes(self) -> Sequence[NodeInfo]:
        return list(self._nodes.values())

    def set_node(self, name: str, node: Node | None) -> None:
        known = self._nodes.get(name)
        if node is None:
            if known:
                del self._nodes[name]
                self._homeless[name] = known.pods
        elif known:
            known.renew(node)
        else:
            self._nodes[name] = NodeInfo(node)
            for pod in self._homeless.pop(name, {}).values():
                self._nodes[name].add(pod)

    def set_pod(self, old: Pod | None, new: Pod | None) -> bool:
        """What an informer told; True when this made room on some node."""
        if new is None or (new.status and new.status.phase in ENDED):
            gone = new or old
            return gone is not None and self.forget(gone)
        if new.spec.nodeName:
            if self._node_of.get(uid_of(new)) != new.spec.nodeName:
                self.forget(new)
            self.assume(new, new.spec.nodeName)
        return False

    def counts(self, pod: Pod) -> bool:
        """Placed already, seen or assumed."""
        return uid_of(pod) in self._node_of

    def assume(self, pod: Pod, node_name: str) -> None:
        self._node_of[uid_of(pod)] = node_name
        if node_name in self._nodes:
            self._nodes[node_name].add(pod)
        else:
            self._homeless.setdefault(node_name, {})[uid_of(pod)] = pod

    def forget(self, pod: Pod) -> bool:
        """True when the pod counted on a node."""
        uid = uid_of(pod)
        node_name = self._node_of.pop(uid, None)
        if node_name is None:
            return False
        if node_name in self._nodes:
            self._nodes[node_name].remove(uid)
        self._homeless.get(node_name, {}).pop(uid, None)
        return True
