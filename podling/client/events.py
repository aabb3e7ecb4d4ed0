"""Events: what a user should see of what a service did.

`event` never waits and never fails its caller: events are written in the background, the oldest dropped first when
the API server is away. What repeats is counted on one object, `podling.client.correlator` says how.
Source: k8s.io/client-go/tools/record.
"""

import asyncio
import logging
from collections import deque
from typing import Any

from podling.api.errors import ApiError, NotFound
from podling.api.meta import timestamp
from podling.client.client import Client
from podling.client.correlator import Correlator, Observed, Occurrence
from podling.client.resource import EVENTS
from podling.loop.clock import Clock, RealClock

log = logging.getLogger(__name__)
MOST_WAITING = 1000


class EventRecorder:
    """`component` and `host` are the event's source; run `run()` beside the service."""

    def __init__(self, client: Client, component: str, host: str = "", clock: Clock | None = None) -> None:
        self._client, self._clock = client, clock or RealClock()
        self._source = {"component": component, **({"host": host} if host else {})}
        self._waiting: deque[Occurrence] = deque(maxlen=MOST_WAITING)
        self._arrived = asyncio.Event()
        self._written = 0
        self._correlator = Correlator()

    def event(self, involved: dict[str, str], type: str, reason: str, message: str) -> None:
        """`involved` is an ObjectReference, see `reference`; `type` is Normal or Warning."""
        self._waiting.append(Occurrence(tuple(sorted(involved.items())), type, reason, message[:1024]))
        self._arrived.set()

    async def run(self) -> None:
        while True:
            while self._waiting:
                await self._write_safely(self._waiting.popleft())
            self._arrived.clear()
            await self._arrived.wait()

    async def drain(self) -> None:
        """Write what still waits: for a service that is about to end."""
        while self._waiting:
            await self._write_safely(self._waiting.popleft())

    async def _write_safely(self, occurrence: Occurrence) -> None:
        try:
            await self._write(occurrence)
        except ApiError as error:
            log.debug("event lost reason=%s error=%s", occurrence.reason, error)

    async def _write(self, occurrence: Occurrence) -> None:
        observed = self._correlator.observe(occurrence, self._clock.now())
        if observed is None:
            return
        involved = dict(occurrence.involved)
        namespace = involved.get("namespace") or "default"
        if observed.name:
            now = timestamp(self._clock.now())
            changes = {"count": observed.times, "lastTimestamp": now, "message": observed.message}
            try:
                await self._client.patch(EVENTS, observed.name, changes, namespace)
                return
            except NotFound:
                pass  # it expired: write it anew
        self._written += 1  # two events may share a moment
        name = f"{involved['name'][:230]}.{int(self._clock.now().timestamp() * 1e9) + self._written:x}"
        await self._client.create(EVENTS, self._body(occurrence, observed, name, namespace), namespace)
        self._correlator.named(observed, name)

    def _body(self, occurrence: Occurrence, observed: Observed, name: str, namespace: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": dict(occurrence.involved),
            "type": occurrence.type,
            "reason": occurrence.reason,
            "message": observed.message,
            "source": self._source,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source.get("host", ""),
            "firstTimestamp": timestamp(observed.first),
            "lastTimestamp": timestamp(self._clock.now()),
            "count": observed.times,
        }


def reference(kind: str, metadata: Any, api_version: str = "v1", field_path: str = "") -> dict[str, str]:
    """An ObjectReference to an object of typed `metadata`; `field_path` as in `spec.containers{app}`."""
    found = {
        "apiVersion": api_version,
        "kind": kind,
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
        "resourceVersion": metadata.resourceVersion,
        "fieldPath": field_path,
    }
    return {key: value for key, value in found.items() if value and key != "resourceVersion"}
