"""What the pipeline answers, before a face (REST or gRPC) gives it its form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apiserver.kinds.kind import Kind

if TYPE_CHECKING:
    from apiserver.objects.cached import Cached
    from apiserver.objects.feed import Feed
    from apiserver.objects.watcher import Watcher


@dataclass(slots=True)
class Answer:
    """One object. `kind` is whose columns show it as a table, None for a Status and for what a question answered.

    `cached` is the same object with its encoded bytes, where it comes from the watch cache.
    """

    object: dict[str, Any]
    code: int = 200
    kind: Kind | None = None
    cached: "Cached | None" = None


@dataclass(slots=True)
class ListAnswer:
    """Many objects of one kind at one revision; `continue_` and `remaining` when a limit cut the list."""

    kind: Kind
    items: Sequence["Cached"]
    revision: int
    continue_: str = ""
    remaining: int | None = None


@dataclass(slots=True)
class WatchAnswer:
    """Changes to come, from `feed`, for at most so many seconds. `bookmarks`: progress is told, too."""

    kind: Kind
    watcher: "Watcher"
    feed: "Feed"
    seconds: float
    bookmarks: bool
