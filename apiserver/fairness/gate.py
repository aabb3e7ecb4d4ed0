"""The door that every request comes in by: it is given seats of its priority level, waits for them, or is sent away.

    async with gate.enter(asked, seats): …          raises `Busy`, a 429 with Retry-After

The configuration is read anew when a flow schema or a priority level has changed. A level whose queues are as before
keeps its requests; those of a level that has gone are served to their end.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from apiserver.fairness import seats as seating
from apiserver.fairness.flows import classify, ordered
from apiserver.fairness.queues import QueueSet, Request
from apiserver.fairness.retry import RetryAfter
from apiserver.fairness.shuffle import deal, flow_hash
from apiserver.http import metrics
from apiserver.kinds.flowcontrol.flow_schema import FLOW_SCHEMA
from apiserver.kinds.flowcontrol.presets import CATCH_ALL, LEVELS, MANDATORY, SCHEMAS
from apiserver.kinds.flowcontrol.priority_level import PRIORITY_LEVEL
from apiserver.lister import Lister
from apiserver.request import Attributes
from podling.api.errors import TooManyRequests

Object = dict[str, Any]

WAIT_SECONDS = 15.0  # a quarter of what a request may take
LEND_SECONDS = 10.0  # between two looks at who has seats to lend
REMEMBERED = 4096  # requests of a kind whose flow is known
SCHEMA_UID, LEVEL_UID = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"
WORDS = "Too many requests, please try again later."


class Busy(TooManyRequests):
    """As many are served and wait as may."""

    def __init__(self, seconds: int, headers: Mapping[str, str]) -> None:
        super().__init__(WORDS, {"retryAfterSeconds": seconds})
        self.headers = {**headers, "Retry-After": str(seconds), "X-Content-Type-Options": "nosniff"}


class Level:
    """One priority level; `queues` None: exempt."""

    def __init__(self, body: Object, limits: seating.Limits) -> None:
        self.name: str = body["metadata"]["name"]
        self.uid: str = body["metadata"].get("uid", "")
        spec = body["spec"]
        self.limits = limits
        self.retry = RetryAfter()
        self.highest = 0  # seats wanted, of late
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing") or {}
        self.shape: tuple[int, int, int] = tuple(
            queuing.get(key, 0) for key in ("queues", "handSize", "queueLengthLimit")
        )
        self.queues: QueueSet | None = None
        if spec.get("type") != "Exempt":
            self.queues = QueueSet(self.shape[0], self.shape[2], max(1, limits.nominal), time.monotonic())

    def keep(self, old: "Level") -> None:
        """Goes on where the level was before its object changed."""
        self.retry, self.highest = old.retry, old.highest
        if self.queues is not None and old.queues is not None and self.shape == old.shape:
            old.queues.limit, self.queues = self.queues.limit, old.queues


class Place:
    """A request's place among the others: as a context it is held, `leave` gives it up before."""

    __slots__ = ("_gate", "_turn", "headers", "level", "request", "schema")

    def __init__(self, gate: "Gate", schema: str, level: Level, headers: Mapping[str, str]) -> None:
        self._gate, self.schema, self.level, self.headers = gate, schema, level, headers
        self.request: Request | None = None
        self._turn: QueueSet | None = None

    def take(self, hand: Sequence[int], seats: int) -> None:
        queues = self.level.queues
        assert queues is not None
        self.request = queues.arrive(hand, seats, time.monotonic())
        if self.request is None:
            raise self._gate.refuse(self, "queue-full" if queues.length else "concurrency-limit")
        self._turn = queues
        self.level.highest = max(self.level.highest, queues.wanted_seats)

    async def __aenter__(self) -> "Place":
        if self.request is not None and self.request.started is None:
            await self._gate.wait(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        if self._turn is None or self.request is None:
            return
        queues, request = self._turn, self.request
        self._turn = None
        now = time.monotonic()
        ended = queues.abandon if request.started is None else queues.finish
        self._gate.wake(ended(request, now))


class Gate:
    def __init__(self, lister: Lister, seats: int) -> None:
        self.seats = seats
        self._lister = lister
        self._version: tuple[int, int] = (-1, -1)
        self._levels: dict[str, Level] = {}
        self._schemas: list[Object] = []
        self._flows: dict[tuple[Any, ...], tuple[Level, str, tuple[int, ...], Mapping[str, str]]] = {}
        self._turns: dict[Request, asyncio.Future[None]] = {}

    def enter(self, asked: Attributes, seats: int = 1) -> Place:
        """Raises `Busy` where nobody more may wait."""
        level, schema, hand, headers = self._flow(asked)
        place = Place(self, schema, level, headers)
        if level.queues is not None:
            place.take(hand, seats if seats == 1 else min(seats, seating.at_most(level.limits.nominal)))
        return place

    def _flow(self, asked: Attributes) -> tuple[Level, str, tuple[int, ...], Mapping[str, str]]:
        version = self._lister.version(FLOW_SCHEMA.resource), self._lister.version(PRIORITY_LEVEL.resource)
        if version != self._version:
            self._configure()
            self._version = version
        user = asked.user
        key = (user.name, user.groups, asked.verb, asked.group, asked.resource, asked.subresource, asked.namespace,
               asked.path)  # fmt: skip
        found = self._flows.get(key)
        if found is None:
            if len(self._flows) >= REMEMBERED:
                self._flows.clear()
            found = self._flows[key] = self._classified(asked)
        return found

    def _classified(self, asked: Attributes) -> tuple[Level, str, tuple[int, ...], Mapping[str, str]]:
        found = classify(self._schemas, asked)
        schema = found.schema if found else next(each for each in SCHEMAS if each["metadata"]["name"] == CATCH_ALL)
        level = self._levels[schema["spec"]["priorityLevelConfiguration"]["name"]]
        name, (queues, hand, _) = schema["metadata"]["name"], level.shape
        dealt = deal(flow_hash(name, found.distinguisher if found else ""), queues, hand) if queues else (0,)
        return level, name, dealt, {SCHEMA_UID: schema["metadata"].get("uid", ""), LEVEL_UID: level.uid}

    def _configure(self) -> None:
        """What is mandatory counts even where its object is missing; a schema that dangles never matches."""
        levels = self._objects(PRIORITY_LEVEL.resource, LEVELS)
        limits = seating.limits(self.seats, [each["spec"] for each in levels])
        before, self._levels = self._levels, {}
        for body, limit in zip(levels, limits, strict=True):
            level = Level(body, limit)
            if level.name in before:
                level.keep(before[level.name])
            self._levels[level.name] = level
            if level.queues is not None:
                metrics.EXECUTING.labels(level.name).set_function(partial(getattr, level.queues, "running_seats"))
                metrics.INQUEUE.labels(level.name).set_function(partial(getattr, level.queues, "waiting_seats"))
        schemas = self._objects(FLOW_SCHEMA.resource, SCHEMAS)
        self._schemas = ordered(
            [each for each in schemas if each["spec"]["priorityLevelConfiguration"].get("name") in self._levels]
        )
        self._flows.clear()
        self.lend()

    def _objects(self, resource: Any, presets: Sequence[Object]) -> list[Object]:
        found = {each["metadata"]["name"]: each for each in self._lister.list(resource)}
        missing = [
            each for each in presets if each["metadata"]["name"] in MANDATORY and each["metadata"]["name"] not in found
        ]
        return [*found.values(), *missing] if found else list(presets)

    # Waiting.

    async def wait(self, place: Place) -> None:
        request = place.request
        assert request is not None
        turn = self._turns[request] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn
        except TimeoutError:
            place.leave()
            raise self.refuse(place, "time-out") from None
        except BaseException:
            place.leave()
            raise
        finally:
            self._turns.pop(request, None)

    def wake(self, started: Sequence[Request]) -> None:
        for request in started:
            turn = self._turns.get(request)
            if turn is not None and not turn.done():
                turn.set_result(None)

    def refuse(self, place: Place, why: str) -> Busy:
        metrics.REFUSED.labels(place.schema, place.level.name, why).inc()
        return Busy(place.level.retry.refuse(time.monotonic()), place.headers)

    # Lending.

    async def run(self, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
        """Until cancelled: every few seconds seats go to who has wanted them."""
        while True:
            await sleep(LEND_SECONDS)
            self.lend()

    def lend(self) -> None:
        limited = [level for level in self._levels.values() if level.queues is not None]
        demands = [seating.Demand(level.limits, level.highest) for level in limited]
        now = time.monotonic()
        for level, seats in zip(limited, seating.divide(self.seats, demands), strict=True):
            assert level.queues is not None
            level.queues.limit = seats
            level.highest = max(level.queues.wanted_seats, level.highest * 3 // 4)
            self.wake(level.queues.start(now))
