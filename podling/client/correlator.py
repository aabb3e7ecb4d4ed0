"""Which occurrences become one Event, and which are too many to be told. Pure.

    the same again                 → the Event that is there, counted up
    10 messages of one reason      → one Event for all that follow, "(combined from similar events): " and the newest
    more than a burst of 25        → not told; one of an object every five minutes from then on

Source: k8s.io/client-go/tools/record/events_cache.go.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

MOST_SIMILAR = 10  # messages of one reason, before they are combined
SIMILAR_SECONDS = 600.0  # after a silence of this length the counting of similar ones begins anew
COMBINED = "(combined from similar events): "
BURST = 25  # of one object
REFILL_SECONDS = 300.0
MOST_REMEMBERED = 4096

Key = tuple[object, ...]
Value = TypeVar("Value")


class Occurrence(NamedTuple):
    """`involved` is an ObjectReference, as sorted pairs."""

    involved: tuple[tuple[str, str], ...]
    type: str
    reason: str
    message: str

    @property
    def subject(self) -> Key:
        """The object alone: events of a pod's containers are events of the pod."""
        return tuple(pair for pair in self.involved if pair[0] != "fieldPath")


class Observed(NamedTuple):
    """What is to be written: a new Event, or the one of `name` with a higher count."""

    key: Key
    message: str
    times: int
    first: datetime
    name: str = ""


@dataclass
class _Similar:
    messages: OrderedDict[str, None] = field(default_factory=OrderedDict)
    last: datetime | None = None


@dataclass
class _Bucket:
    tokens: float
    filled_at: datetime


class Correlator:
    """Of one source of events."""

    def __init__(self) -> None:
        self._similar: OrderedDict[Key, _Similar] = OrderedDict()
        self._written: OrderedDict[Key, Observed] = OrderedDict()
        self._buckets: OrderedDict[Key, _Bucket] = OrderedDict()

    def observe(self, event: Occurrence, now: datetime) -> Observed | None:
        """None: not to be told, though it counts."""
        key, message = self._aggregate(event, now)
        before = self._written.get(key)
        if before:
            observed = Observed(key, message, before.times + 1, before.first, before.name)
        else:
            observed = Observed(key, message, 1, now)
        _remember(self._written, key, observed)
        return observed if self._is_allowed(event.subject, now) else None

    def named(self, observed: Observed, name: str) -> None:
        """It was written as the Event `name`."""
        _remember(self._written, observed.key, self._written.get(observed.key, observed)._replace(name=name))

    def _aggregate(self, event: Occurrence, now: datetime) -> tuple[Key, str]:
        group: Key = (event.subject, event.type, event.reason)
        similar = self._similar.get(group)
        if similar is None or similar.last is None or (now - similar.last).total_seconds() > SIMILAR_SECONDS:
            similar = _Similar()
        similar.last = now
        similar.messages[event.message] = None
        _remember(self._similar, group, similar)
        if len(similar.messages) < MOST_SIMILAR:
            return tuple(event), event.message
        similar.messages.popitem(last=False)
        return group, COMBINED + event.message

    def _is_allowed(self, subject: Key, now: datetime) -> bool:
        bucket = self._buckets.get(subject) or _Bucket(BURST, now)
        gained = max(0.0, (now - bucket.filled_at).total_seconds()) / REFILL_SECONDS
        bucket.tokens, bucket.filled_at = min(float(BURST), bucket.tokens + gained), now
        _remember(self._buckets, subject, bucket)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _remember(known: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    """The least recently used are forgotten."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)
