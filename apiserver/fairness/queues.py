"""Fair queuing of requests that take an unknown time, several at once, each one or more seats. Pure: told the time.

Every active queue (one with requests that wait or are served) is owed the same share of the seats. The virtual clock
counts what each has been owed so far, in seat-seconds: it runs at seats in use / active queues. A queue's
`due` is where on that clock its next request starts: its requests' time is added to it, first as a guess, then as it
was. The queue whose next request would end first is served next, so whoever has had little is always near the front.

    arrive ─▶ the emptiest queue of the flow's hand ─▶ start, while a seat is free ─▶ finish ─▶ start the next
                 └─ full, and no seat free: None                └─ abandon: the client gave up

Source: k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset/doc.go.
"""

from collections import deque
from collections.abc import Sequence

GUESS_SECONDS = 0.003  # how long a request is taken to last until it has ended


class Queue:
    __slots__ = ("due", "running_seats", "waiting", "waiting_seats")

    def __init__(self) -> None:
        self.waiting: deque[Request] = deque()
        self.waiting_seats = self.running_seats = 0
        self.due = 0.0

    @property
    def is_active(self) -> bool:
        return bool(self.running_seats or self.waiting)


class Request:
    """`started` is None while it waits."""

    __slots__ = ("queue", "seats", "started")

    def __init__(self, queue: Queue, seats: int) -> None:
        self.queue, self.seats = queue, seats
        self.started: float | None = None


class QueueSet:
    """The queues of one priority level. Without queues (`queues` 0) nobody waits: a request starts or is refused."""

    def __init__(self, queues: int, length: int, limit: int, now: float = 0.0) -> None:
        self.queues = [Queue() for _ in range(queues or 1)]
        self.length = length if queues else 0
        self.limit = limit  # seats; may be changed at any time, then `start` has more to do
        self.running_seats = self.waiting_seats = 0
        self.virtual = 0.0
        self._at = now
        self._active = 0
        self._waiting: dict[Queue, None] = {}  # in the order in which they began to wait: the first of equals is next

    @property
    def wanted_seats(self) -> int:
        return self.running_seats + self.waiting_seats

    def arrive(self, hand: Sequence[int], seats: int, now: float) -> Request | None:
        """None where it is refused. It may have started when this returns."""
        self._advance(now)
        queue = self._emptiest(hand)
        has_room = self._has_room(seats)
        if len(queue.waiting) >= self.length and not has_room:
            return None
        if not queue.is_active:
            queue.due = self.virtual
            self._active += 1
        request = Request(queue, seats)
        if has_room and not self._waiting:
            self._begin(request, now)
            return request
        queue.waiting.append(request)
        queue.waiting_seats += seats
        self.waiting_seats += seats
        self._waiting[queue] = None
        self.start(now)
        return request

    def _emptiest(self, hand: Sequence[int]) -> Queue:
        best, least = self.queues[hand[0]], -1
        for at in hand:
            queue = self.queues[at]
            seats = queue.waiting_seats + queue.running_seats
            if seats == 0:
                return queue
            if least < 0 or seats < least:
                best, least = queue, seats
        return best

    def start(self, now: float) -> list[Request]:
        """Those whose turn it is now."""
        self._advance(now)
        started: list[Request] = []
        while self._waiting:
            request = min(self._waiting, key=_end).waiting[0]
            if not self._has_room(request.seats):
                break
            self._leave_queue(request)
            self._begin(request, now)
            started.append(request)
        return started

    def _begin(self, request: Request, now: float) -> None:
        queue = request.queue
        request.started = now
        queue.due += GUESS_SECONDS * request.seats
        queue.running_seats += request.seats
        self.running_seats += request.seats

    def finish(self, request: Request, now: float) -> list[Request]:
        """It has been served; those that start in its place."""
        assert request.started is not None
        self._advance(now)
        queue = request.queue
        queue.due += (now - request.started - GUESS_SECONDS) * request.seats
        queue.running_seats -= request.seats
        self.running_seats -= request.seats
        if not queue.is_active:
            self._active -= 1
        return self.start(now)

    def abandon(self, request: Request, now: float) -> list[Request]:
        """It waits no longer; those that it stood in the way of."""
        self._advance(now)
        self._leave_queue(request)
        if not request.queue.is_active:
            self._active -= 1
        return self.start(now)

    def _has_room(self, seats: int) -> bool:
        """One that is wider than the whole level is served alone."""
        return self.running_seats + seats <= self.limit or (self.running_seats == 0 and self.limit > 0)

    def _leave_queue(self, request: Request) -> None:
        queue = request.queue
        queue.waiting.remove(request)
        queue.waiting_seats -= request.seats
        self.waiting_seats -= request.seats
        if not queue.waiting:
            del self._waiting[queue]

    def _advance(self, now: float) -> None:
        if self._active:
            # Seats in use, not those there are: what is wide leaves some empty, which no queue has had.
            self.virtual += (now - self._at) * self.running_seats / self._active
        self._at = now


def _end(queue: Queue) -> float:
    """Where on the virtual clock the queue's next request would end."""
    return queue.due + GUESS_SECONDS * queue.waiting[0].seats
