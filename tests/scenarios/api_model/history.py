"""What clients asked and were answered, in the order of one clock that counts."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.api_model.operations import Operation
from tests.scenarios.api_model.truth import Event, Item, Selection


@dataclass
class Asked:
    """`floor` is the newest revision that anybody had heard of when it was asked; begun and ended are moments."""

    floor: int
    begun: int
    ended: int = 0


@dataclass
class Written:
    """`code` 0: no answer came, so nobody knows. `item` is what a write answered with."""

    op: Operation
    asked: Asked
    code: int = 0
    item: Item | None = None
    uid: str = ""  # of what was deleted
    words: str = ""


@dataclass
class Got:
    key: str
    asked: Asked
    item: Item | None


@dataclass
class Page:
    items: list[Item]
    revision: int
    remaining: int | None
    more: bool


@dataclass
class Listed:
    """`exact` is the revision that was asked for, 0 where any is good; `least` the one that it had to reach."""

    selection: Selection
    asked: Asked
    limit: int
    least: int = 0
    exact: int = 0
    pages: list[Page] = field(default_factory=list)
    complete: bool = False


@dataclass
class Watched:
    """One client's watch over all its streams: it began with `start` at `since`, and heard `events` after that."""

    selection: Selection
    since: int
    start: list[Item] | None = None  # None: the start is a list, which is kept among the lists
    events: list[Event] = field(default_factory=list)
    streams: int = 1
    ended: bool = False  # it had to list again, after a version was forgotten


class History:
    def __init__(self) -> None:
        self.written: list[Written] = []
        self.got: list[Got] = []
        self.listed: list[Listed] = []
        self.watched: list[Watched] = []
        self.heard = 0  # the newest revision that any answer told
        self._clock = itertools.count(1)
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    def ask(self) -> Asked:
        return Asked(self.heard, next(self._clock))

    def answered(self, asked: Asked, revision: int = 0) -> None:
        asked.ended = next(self._clock)
        self.heard = max(self.heard, revision)

    def counts(self) -> dict[str, Any]:
        return {
            "writes": sum(1 for each in self.written if each.code in (200, 201)),
            "refused": sum(1 for each in self.written if each.code not in (0, 200, 201)),
            "unanswered": sum(1 for each in self.written if not each.code),
            "gets": len(self.got),
            "lists": len(self.listed),
            "pages": sum(len(each.pages) for each in self.listed),
            "watches": len(self.watched),
            "streams": sum(each.streams for each in self.watched),
            "events": sum(len(each.events) for each in self.watched),
            "watches that had to list again": sum(each.ended for each in self.watched),
        }
