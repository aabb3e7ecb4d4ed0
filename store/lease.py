"""Leases: who holds which keys, and until when. Pure: `now` is seconds of any clock that never goes back.

    reserved ─the disk has it─▶ granted
    granted ──keep_alive──▶ granted        deadline = now + seconds
       │ due, or revoked by hand
       ▼
     ending ──the disk has it──▶ gone      its keys are deleted in the same transaction
       │ the disk refuses
       ▼
    granted

Only grants and ends reach the disk; after a restart every lease has its full time again, as in etcd.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from podling.storage import Event
from store.errors import MAX_LEASE_SECONDS, LeaseExists, LeaseTooLong, NoLease

MIN_SECONDS = 1


@dataclass(slots=True)
class _Lease:
    seconds: int
    deadline: float
    ending: bool = False
    keys: set[bytes] = field(default_factory=set)


class Leases:
    """`lease in leases` says whether keys may be attached to it."""

    def __init__(self) -> None:
        self._leases: dict[int, _Lease] = {}
        self._lease_of: dict[bytes, int] = {}
        self._reserved: set[int] = set()
        self._deadlines: list[tuple[float, int]] = []

    def __contains__(self, lease: object) -> bool:
        found = self._leases.get(lease) if isinstance(lease, int) else None
        return found is not None and not found.ending

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._leases))

    def reserve(self, lease: int, seconds: int) -> int:
        """Hold an id until it is granted or released; the seconds that it will get."""
        if lease in self._leases or lease in self._reserved:
            raise LeaseExists()
        if seconds > MAX_LEASE_SECONDS:
            raise LeaseTooLong()
        self._reserved.add(lease)
        return max(seconds, MIN_SECONDS)

    def release(self, lease: int) -> None:
        """The disk refused the grant."""
        self._reserved.discard(lease)

    def grant(self, lease: int, seconds: int, now: float) -> None:
        self._reserved.discard(lease)
        self._leases[lease] = _Lease(seconds, now + seconds)
        heapq.heappush(self._deadlines, (now + seconds, lease))

    def keep_alive(self, lease: int, now: float) -> int:
        """Start its time again; its seconds."""
        found = self._get(lease)
        found.deadline = now + found.seconds
        heapq.heappush(self._deadlines, (found.deadline, lease))
        return found.seconds

    def seconds(self, lease: int) -> int:
        return self._get(lease).seconds

    def remaining(self, lease: int, now: float) -> int:
        """Whole seconds left."""
        return max(int(self._get(lease).deadline - now), 0)

    def keys(self, lease: int) -> list[bytes]:
        return sorted(self._get(lease).keys)

    def end(self, lease: int) -> list[bytes]:
        """Begin to end it: no key may be attached any more. Its keys, in order."""
        found = self._get(lease)
        found.ending = True
        return sorted(found.keys)

    def revive(self, lease: int, now: float) -> None:
        """The disk refused its end: it goes on, due again at its next deadline."""
        found = self._leases[lease]
        found.ending = False
        found.deadline = max(found.deadline, now + MIN_SECONDS)
        heapq.heappush(self._deadlines, (found.deadline, lease))

    def drop(self, lease: int) -> None:
        self._leases.pop(lease, None)

    def due(self, now: float) -> list[int]:
        """The leases whose time is over."""
        over: list[int] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, lease = heapq.heappop(self._deadlines)
            found = self._leases.get(lease)
            if found and not found.ending and found.deadline <= now and lease not in over:
                over.append(lease)
        return over

    def next_deadline(self) -> float | None:
        """When to ask `due` again; may be early, never late."""
        return self._deadlines[0][0] if self._deadlines else None

    def follow(self, events: Iterable[Event]) -> None:
        """Attach and detach keys as these changes say."""
        for event in events:
            self._attach(event.kv.key, event.kv.lease)

    def unfollow(self, events: Iterable[Event]) -> None:
        """Take `follow` back; `events` newest first."""
        for event in events:
            self._attach(event.kv.key, event.previous.lease if event.previous else 0)

    def _attach(self, key: bytes, lease: int) -> None:
        """0 only detaches."""
        before = self._lease_of.pop(key, 0)
        if before in self._leases:
            self._leases[before].keys.discard(key)
        if lease in self._leases:
            self._leases[lease].keys.add(key)
            self._lease_of[key] = lease

    def _get(self, lease: int) -> _Lease:
        found = self._leases.get(lease)
        if found is None or found.ending:
            raise NoLease()
        return found
