"""Pods that wait for a node: which is next, and when one that fitted nowhere is tried again. Pure over a clock's time.

             add                    pop
    pod ──────────▶ active ────────────────▶ cycle ──▶ bound: forget
                      ▲ backoff over            │ fits nowhere
                      │                         ▼
                   backing off ◀─────────── unschedulable
                          wake(change that a refusing filter waits for), or after FLUSH_SECONDS

Order in active: higher priority first, then the older. Backoff: 1 s doubling to 10 s a pod.
Source: k8s.io/kubernetes/pkg/scheduler/backend/queue.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from podling.loop.backoff import Backoff

FLUSH_SECONDS = 300.0


@dataclass(eq=False)
class _Waiting:
    """`refused_by` empty: active from `due` on. Else unschedulable: due only when woken, or flushed."""

    key: str
    order: tuple[int, float, str]
    due: float
    refused_by: frozenset[str] = frozenset()


@dataclass
class SchedulingQueue:
    """`now` in seconds that only grow; `wakes(filter, change)` says whether a change may help a pod it refused."""

    now: Callable[[], float]
    wakes: Callable[[str, str], bool]
    _pods: dict[str, _Waiting] = field(default_factory=dict)
    # Heaps; an entry counts while its pod still waits as that very object, others are passed over.
    _active: list[tuple[tuple[int, float, str], int, _Waiting]] = field(default_factory=list)
    _timed: list[tuple[float, int, _Waiting]] = field(default_factory=list)
    _refused: dict[str, dict[str, _Waiting]] = field(default_factory=dict)  # by filter and key; for wake alone
    _backoff: Backoff[str] = field(default_factory=lambda: Backoff(first=1.0, most=10.0))

    def __len__(self) -> int:
        return len(self._pods)

    def __contains__(self, key: str) -> bool:
        return key in self._pods

    def add(self, key: str, priority: int, created: float) -> None:
        """A new pod, or a changed one: the change may be what it waited for, so it is tried at once."""
        self._wait(_Waiting(key, (-priority, created, key), self.now()))

    def remove(self, key: str) -> None:
        self._take(key)
        self._backoff.forget(key)

    def refuse(self, key: str, priority: int, created: float, refused_by: frozenset[str]) -> None:
        """The pod fitted nowhere; without filters to wait for (an error) it is tried again after its backoff."""
        due = self.now() + self._backoff.next(key)
        waiting = _Waiting(key, (-priority, created, key), due, refused_by)
        self._wait(waiting, FLUSH_SECONDS if refused_by else 0.0)

    def wake(self, change: str) -> None:
        """Something changed in the cluster. Pods that wait for anything else cost nothing."""
        for name in [name for name in self._refused if self.wakes(name, change)]:
            for waiting in list(self._refused.get(name, {}).values()):
                self._wait(_Waiting(waiting.key, waiting.order, waiting.due))

    def pop(self) -> str | None:
        """The next pod to try, taken out; None when none is due."""
        now = self.now()
        while self._timed and self._timed[0][0] <= now:
            waiting = heapq.heappop(self._timed)[-1]
            heapq.heappush(self._active, (waiting.order, id(waiting), waiting))
        while self._active:
            waiting = heapq.heappop(self._active)[-1]
            if self._pods.get(waiting.key) is waiting:
                self._take(waiting.key)
                return waiting.key
        return None

    def next_due(self) -> float | None:
        """When the next pod becomes due by time alone; None when nothing waits for time."""
        while self._timed and self._pods.get(self._timed[0][-1].key) is not self._timed[0][-1]:
            heapq.heappop(self._timed)
        return self._timed[0][0] if self._timed else None

    def _wait(self, waiting: _Waiting, flush_seconds: float = 0.0) -> None:
        self._take(waiting.key)
        self._pods[waiting.key] = waiting
        for name in waiting.refused_by:
            self._refused.setdefault(name, {})[waiting.key] = waiting
        heapq.heappush(self._timed, (waiting.due + flush_seconds, id(waiting), waiting))

    def _take(self, key: str) -> None:
        waiting = self._pods.pop(key, None)
        for name in waiting.refused_by if waiting else ():
            del self._refused[name][key]
            if not self._refused[name]:
                del self._refused[name]
