"""Keys at revisions, in memory: every version of every key since the last compaction.

    revision 1   the empty store
    revision n   one transaction that changed something; all its changes carry n

A key's history is the list of its states, oldest first; a state of version 0 is a tombstone. One transaction can
write a key twice (store.check says how), so two neighbours may carry the same revision: the later one counts.

Writes go to the head. `durable` is the newest revision that the disk has; readers look no further, and `rewind`
takes back what lies between when the disk refuses. Pure: no clock, no I/O, one thread.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from sortedcontainers import SortedList

from podling.storage import Change, Event, KeyValue
from store.errors import CompactedRevision, RevisionAhead

NEVER_COMPACTED = -1
FIRST_REVISION = 1

_revision_of = attrgetter("mod_revision")


def tombstone(key: bytes, revision: int) -> KeyValue:
    """The state of a key that `revision` deleted."""
    return KeyValue(key, b"", 0, revision, 0, 0)


class Keys:
    """`revision` is the head; a transaction in progress writes at `revision` + 1 and ends with `seal`."""

    def __init__(self) -> None:
        self.revision = FIRST_REVISION
        self.durable = FIRST_REVISION
        self.compacted = NEVER_COMPACTED
        self._histories: dict[bytes, list[KeyValue]] = {}
        self._order: SortedList = SortedList()
        self._open: list[Event] = []

    def load(self, states: Iterable[KeyValue], revision: int, compacted: int) -> Iterator[Event]:
        """Fill from the log, oldest first; yields each state as the event that it was."""
        for state in states:
            history = self._histories.get(state.key)
            previous = None
            if state.mod_revision > compacted:
                previous = self.at(state.key, state.mod_revision - 1)
            if history is None:
                self._histories[state.key] = [state]
            else:
                history.append(state)
            if previous is not None and state.create_revision == state.mod_revision:
                previous = None
            yield Event(Change.PUT if state.version else Change.DELETE, state, previous)
        self._order.update(self._histories)
        self.revision = self.durable = revision
        self.compacted = compacted

    # Reading

    def at(self, key: bytes, revision: int) -> KeyValue | None:
        """The key as `revision` left it, None where it was not there."""
        history = self._histories.get(key)
        if history is None:
            return None
        state = history[-1]
        if state.mod_revision > revision:
            place = bisect_right(history, revision, key=_revision_of)
            if not place:
                return None
            state = history[place - 1]
        return state if state.version else None

    def newest(self, key: bytes) -> KeyValue | None:
        """The key at the head, the open transaction's own writes included."""
        history = self._histories.get(key)
        return history[-1] if history and history[-1].version else None

    def span(self, key: bytes, end: bytes, revision: int) -> Iterator[KeyValue]:
        """The keys of a span at `revision`, in order."""
        if not end:
            state = self.at(key, revision)
            if state is not None:
                yield state
            return
        last = None if end == b"\0" else end
        for each in self._order.irange(key, last, inclusive=(True, False)):
            state = self.at(each, revision)
            if state is not None:
                yield state

    def __len__(self) -> int:
        """Keys with a history, those deleted since the last compaction included."""
        return len(self._histories)

    def check_readable(self, revision: int, newest: int) -> None:
        """Raises where a reader that sees up to `newest` cannot read at `revision`."""
        if revision > newest:
            raise RevisionAhead()
        if revision < self.compacted:
            raise CompactedRevision(self.compacted)

    @property
    def writing(self) -> int:
        """The newest revision as the open transaction sees it: its own once it has changed something."""
        return self.revision + 1 if self._open else self.revision

    # Writing

    def put(self, key: bytes, value: bytes, lease: int) -> KeyValue | None:
        """Write the key in the open transaction; the state before, None where there was none."""
        revision = self.revision + 1
        history = self._histories.get(key)
        previous = None
        if history is None:
            history = self._histories[key] = []
            self._order.add(key)
        elif history[-1].version:
            previous = history[-1]
        if previous is None:
            state = KeyValue(key, value, revision, revision, 1, lease)
        else:
            state = KeyValue(key, value, previous.create_revision, revision, previous.version + 1, lease)
        history.append(state)
        self._open.append(Event(Change.PUT, state, self._before(previous)))
        return previous

    def delete(self, key: bytes) -> KeyValue | None:
        """Delete the key in the open transaction; the state before, None where there was nothing to delete."""
        previous = self.newest(key)
        if previous is not None:
            state = tombstone(key, self.revision + 1)
            self._histories[key].append(state)
            self._open.append(Event(Change.DELETE, state, self._before(previous)))
        return previous

    def _before(self, previous: KeyValue | None) -> KeyValue | None:
        """What an event tells as the state before: that of the revision before, not of this transaction."""
        if previous is not None and previous.mod_revision > self.revision:
            return self.at(previous.key, self.revision)
        return previous

    def seal(self) -> list[Event]:
        """End the open transaction; its events, none where it changed nothing and so took no revision."""
        events, self._open = self._open, []
        if events:
            self.revision += 1
        return events

    def abandon(self) -> None:
        """Give up the open transaction."""
        self._pop(self._open)
        self._open = []

    def rewind(self, events: Sequence[Event]) -> None:
        """Take back `events`, which must be everything after `durable` in order, and return to it."""
        self._pop(events)
        self.revision = self.durable

    def _pop(self, events: Sequence[Event]) -> None:
        for event in reversed(events):
            key = event.kv.key
            history = self._histories[key]
            history.pop()
            if not history:
                self._drop(key)

    def _drop(self, key: bytes) -> None:
        del self._histories[key]
        self._order.remove(key)

    # Compaction

    def compact(self, revision: int) -> list[KeyValue]:
        """Forget what was overwritten or deleted before `revision`; returns what went, in no order.

        Reading at `revision` itself stays possible, and what was deleted at exactly `revision` stays as an event.
        """
        if revision <= self.compacted:
            raise CompactedRevision(self.compacted)
        if revision > self.durable:
            raise RevisionAhead()
        self.compacted = revision
        return self.prune()

    def prune(self) -> list[KeyValue]:
        """Drop the states that no readable revision shows any more; returns them."""
        gone: list[KeyValue] = []
        emptied: list[bytes] = []
        for key, history in self._histories.items():
            keep = bisect_right(history, self.compacted, key=_revision_of) - 1
            if keep < 0:
                continue
            if not history[keep].version and history[keep].mod_revision < self.compacted:
                keep += 1
            gone += history[:keep]
            del history[:keep]
            if not history:
                emptied.append(key)
        for key in emptied:
            self._drop(key)
        return gone

    def states(self, revision: int) -> Iterator[KeyValue]:
        """Every state still kept up to `revision`, by key and then by age: what a hash is taken over."""
        for key in self._order:
            for state in self._histories[key]:
                if state.mod_revision <= revision:
                    yield state
