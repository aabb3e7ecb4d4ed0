"""Who owns whom, over the metadata of every object of a cluster. Pure."""

from typing import Any, NamedTuple

from podling.client.resource import Partial, Resource


class Item(NamedTuple):
    """One object: which informer knows it, and its key there."""

    of: Resource[Partial]
    key: str


class Graph:
    """Who owns whom, by uid; kept by the informers of every kind."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[Item, Any]] = {}  # uid to item and metadata
        self.dependents: dict[str, set[str]] = {}  # owner uid to dependents' uids

    def put(self, item: Item, old: Partial | None, new: Partial | None) -> list[str]:
        """The uids worth a look after a change."""
        look: list[str] = []
        if old is not None:
            uid = str(old.metadata.uid)
            for owner in _owners(old):
                self.dependents.get(owner, set()).discard(uid)
                look.append(owner)
            if new is None or new.metadata.uid != uid:
                self.items.pop(uid, None)
                look += self.dependents.get(uid, ())
        if new is not None:
            uid = str(new.metadata.uid)
            self.items[uid] = (item, new.metadata)
            for owner in _owners(new):
                self.dependents.setdefault(owner, set()).add(uid)
            look.append(uid)
        return look

    def forget(self, of: Resource[Partial]) -> list[str]:
        """The kind is served no more; the uids worth a look."""
        gone = [(uid, item) for uid, (item, _) in self.items.items() if item.of == of]
        look: list[str] = []
        for uid, _ in gone:
            _, metadata = self.items.pop(uid)
            for owner in metadata.ownerReferences or ():
                self.dependents.get(str(owner.uid), set()).discard(uid)
                look.append(str(owner.uid))
            look += self.dependents.get(uid, ())
        return look


def _owners(item: Partial) -> list[str]:
    return [str(owner.uid) for owner in item.metadata.ownerReferences or ()]
