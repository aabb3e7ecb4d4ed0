"""What really happened to the objects of one kind: every change in the store's order, and the states in between. Pure.

Objects are as clients see them, but for three things, which `bare` takes away: apiVersion, kind and resourceVersion.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

Object = dict[str, Any]


class Change(NamedTuple):
    """`after` is None where the object was deleted, `before` where it was created; `was` is that one's revision."""

    revision: int
    key: str
    after: Object | None
    before: Object | None
    was: int


class Item(NamedTuple):
    key: str
    revision: int
    object: Object


@dataclass(frozen=True)
class Selection:
    """Which objects a list or a watch is of: a namespace ("" is all), the query's selectors, and what they mean."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""
    means: Callable[[str, Object], bool] = lambda _key, _object: True

    def takes(self, key: str, obj: Object | None) -> bool:
        if obj is None or (self.namespace and not key.startswith(f"{self.namespace}/")):
            return False
        return self.means(key, obj)


class Event(NamedTuple):
    """As a watch tells it. A BOOKMARK has no object."""

    type: str
    revision: int
    key: str = ""
    object: Object | None = None


class Truth:
    """Made of (revision, key, object or None) in order, from the beginning."""

    def __init__(self, written: Iterable[tuple[int, str, Object | None]]) -> None:
        self.changes: list[Change] = []
        self.of: dict[str, list[Change]] = {}
        self._seen: dict[Selection, list[Event]] = {}
        for revision, key, after in written:
            history = self.of.setdefault(key, [])
            before = history[-1] if history else None
            change = Change(revision, key, after, before and before.after, before.revision if before else 0)
            history.append(change)
            self.changes.append(change)

    @cached_property
    def last(self) -> int:
        return self.changes[-1].revision if self.changes else 0

    def change(self, key: str, revision: int) -> Change | None:
        history = self.of.get(key, [])
        at = bisect_right(history, revision, key=lambda change: change.revision)
        return history[at - 1] if at and history[at - 1].revision == revision else None

    def at(self, key: str, revision: int) -> Item | None:
        """The object as it was at a revision."""
        history = self.of.get(key, [])
        at = bisect_right(history, revision, key=lambda change: change.revision)
        change = history[at - 1] if at else None
        return Item(key, change.revision, change.after) if change and change.after is not None else None

    def between(self, key: str, low: int, high: int) -> list[Item | None]:
        """Every state that the object had from revision `low` to `high`, None for being away."""
        states = [self.at(key, low)]
        for change in self.of.get(key, []):
            if low < change.revision <= high:
                states.append(Item(key, change.revision, change.after) if change.after is not None else None)
        return states

    def state(self, selection: Selection, revision: int) -> list[Item]:
        """What a list at a revision holds, in order."""
        found = (self.at(key, revision) for key in sorted(self.of))
        return [item for item in found if item is not None and selection.takes(item.key, item.object)]

    def seen(self, selection: Selection) -> list[Event]:
        """What a watch of the selection tells, from the beginning to the end."""
        if selection not in self._seen:
            told = (_seen(selection, change) for change in self.changes)
            self._seen[selection] = [event for event in told if event is not None]
        return self._seen[selection]


def _seen(selection: Selection, change: Change) -> Event | None:
    is_in, was_in = selection.takes(change.key, change.after), selection.takes(change.key, change.before)
    if is_in:
        return Event("MODIFIED" if was_in else "ADDED", change.revision, change.key, change.after)
    return Event("DELETED", change.revision, change.key, change.before) if was_in else None


def bare(obj: Object) -> Object:
    meta = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    return {**{name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}, "metadata": meta}


def item(obj: Object) -> Item:
    """An object of an answer."""
    meta = obj["metadata"]
    return Item(f"{meta['namespace']}/{meta['name']}", int(meta["resourceVersion"]), bare(obj))
