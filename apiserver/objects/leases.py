"""Store leases for objects that vanish by themselves (events). Many objects share one: a lease costs the store more
than a key does."""

from podling.loop.clock import Clock
from podling.storage import Storage, StorageError

SHARED_SECONDS = 60.0  # an object may live this much longer than its time
SHARED_OBJECTS = 1000


class LeasePool:
    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock
        self._current: dict[int, tuple[int, float, int]] = {}  # by ttl: id, last moment to share it, objects left

    async def lease(self, ttl_seconds: int) -> int:
        """A lease of at least `ttl_seconds`; 0 (for ever) when the store gives none."""
        now = self._clock.monotonic()
        found, until, left = self._current.get(ttl_seconds, (0, 0.0, 0))
        if not left or now > until:
            try:
                found = await self._storage.lease(ttl_seconds + int(SHARED_SECONDS))
            except StorageError:
                return 0
            until, left = now + SHARED_SECONDS, SHARED_OBJECTS
        self._current[ttl_seconds] = found, until, left - 1
        return found

    def forget(self, ttl_seconds: int) -> None:
        """The store no longer knows the lease: the next call gets another."""
        self._current.pop(ttl_seconds, None)
