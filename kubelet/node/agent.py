"""Keeps this node's object true: registers it, renews its lease, and tells when the engine goes away or comes back.

    every 10 s, or when woken     ask the engine → lease → status, if it changed or is 5 minutes old

The lease says that the kubelet lives, the Ready condition that it can run pods.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kubelet.node.object import (
    NodeSpec,
    conditions,
    lease,
    new_node,
    node_labels,
    node_status,
    without_heartbeats,
)
from kubelet.node.pressure import CALM, Pressure
from kubelet.runtime import Engine, Runtime, RuntimeUnavailable
from podling.api.errors import ApiError, NotFound
from podling.client.client import Client
from podling.client.codec import plain
from podling.client.events import EventRecorder
from podling.client.resource import LEASES, NODES
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 10.0
REPORT_SECONDS = 300.0
RETRY_SECONDS = 0.5
TURNS = {  # conditions, and the events that say that they are False or True now
    "MemoryPressure": ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    "DiskPressure": ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
    "PIDPressure": ("NodeHasSufficientPID", "NodeHasInsufficientPID"),
    "Ready": ("NodeNotReady", "NodeReady"),
}
Data = dict[str, Any]


class NodeAgent:
    """`engine` is the last that was told of the engine; `engine_error` why it does not answer now, "" when it does.
    `shutting_down` is why the node ends, "" while it does not."""

    def __init__(
        self,
        client: Client,
        runtime: Runtime,
        events: EventRecorder,
        clock: Clock,
        *,
        spec: Callable[[], NodeSpec],
        pressure: Callable[[], Pressure] = lambda: CALM,
    ) -> None:
        self._client, self._runtime, self._events, self._clock = client, runtime, events, clock
        self._spec, self._pressure = spec, pressure
        self.engine: Engine | None = None
        self.engine_error = ""
        self.shutting_down = ""
        self.is_registered = False
        self._node: Any = None
        self._told: Data = {}
        self._told_at: datetime | None = None
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Something may have changed: look now."""
        self._awake.set()

    async def run(self) -> None:
        self.event("Normal", "Starting", "Starting kubelet.")
        while True:
            self._awake.clear()
            wait = HEARTBEAT_SECONDS
            try:
                await self.look()
            except ApiError as error:
                log.warning("node not reported node=%s error=%s", self._spec().name, error)
                wait = RETRY_SECONDS if not self.is_registered else HEARTBEAT_SECONDS / 2
            await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._awake.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def look(self) -> None:
        """One heartbeat."""
        await self._ask_engine()
        if not (self._node and await self._read()) and not await self._register():
            return
        await self._renew()
        await self._report()

    async def _ask_engine(self) -> None:
        before = self.engine_error
        try:
            self.engine, self.engine_error = await self._runtime.engine(), ""
        except RuntimeUnavailable as error:
            self.engine_error = str(error) or "the engine does not answer"
        if self.engine_error and not before:
            log.warning("engine away node=%s error=%s", self._spec().name, self.engine_error)
        elif before and not self.engine_error:
            log.info("engine back node=%s", self._spec().name)

    async def _read(self) -> bool:
        """The node as the API has it: others write conditions too. False when somebody removed it."""
        try:
            self._node = await self._client.get(NODES, self._spec().name)
        except NotFound:
            self._node, self.is_registered, self._told_at = None, False, None
            return False
        status = plain(self._node.status) or {}
        if _ready(status) != _ready(self._told):
            self._told, self._told_at = status, None
        return True

    async def _register(self) -> bool:
        """Create or adopt the node; False while there is neither a node nor an engine to describe."""
        spec = self._spec()
        try:
            self._node = await self._client.get(NODES, spec.name)
            if self.engine:
                patch = {"metadata": {"labels": node_labels(spec, self.engine)}}
                self._node = await self._client.patch(NODES, spec.name, patch)
        except NotFound:
            if self.engine is None or not spec.address:
                return False
            self._node = await self._client.create(NODES, new_node(spec, self.engine))
        log.info("node registered node=%s address=%s", spec.name, spec.address)
        self._told = plain(self._node.status) or {}
        return True

    async def _renew(self) -> None:
        spec, now = self._spec(), self._clock.now()
        wanted = lease(spec, self._node.metadata.uid, now)
        try:
            await self._client.patch(LEASES, spec.name, {"spec": wanted["spec"]}, wanted["metadata"]["namespace"])
        except NotFound:
            await self._client.create(LEASES, wanted, wanted["metadata"]["namespace"])

    async def _report(self) -> None:
        spec, now = self._spec(), self._clock.now()
        not_ready = self.engine_error and f"container runtime is down: {self.engine_error}"
        told = self._told.get("conditions") or ()
        found = conditions(told, not_ready or self.shutting_down, self._pressure(), now)
        status = node_status(spec, self.engine, found)
        is_old = self._told_at is None or now - self._told_at >= timedelta(seconds=REPORT_SECONDS)
        changed = without_heartbeats({**self._told, **status}) != without_heartbeats(self._told)
        if not is_old and not changed:
            return
        before = self._told
        self._node = await self._client.patch(NODES, spec.name, {"status": status}, subresource="status")
        self._told, self._told_at, self.is_registered = {**self._told, **status}, now, True
        for type_, words in TURNS.items():
            is_now = _status(status, type_)
            if is_now != _status(before, type_):
                word = words[is_now == "True"]
                self.event("Normal", word, f"Node {spec.name} status is now: {word}")

    def heard(self, key: str, old: Any, new: Any) -> None:
        """The node as somebody wrote it. Its labels and taints decide who is let in: a pod that was placed by a label
        of a second ago must not be turned away because the next heartbeat is still to come."""
        if new is not None and self._node is not None:
            self._node = new

    @property
    def labels(self) -> Mapping[str, str]:
        return (self._node.metadata.labels if self._node else None) or {}

    @property
    def ending_taints(self) -> Sequence[Any]:
        """Those that end pods which do not tolerate them."""
        taints = (self._node.spec.taints if self._node and self._node.spec else None) or ()
        return [taint for taint in taints if taint.effect == "NoExecute"]

    def event(self, type_: str, reason: str, message: str) -> None:
        """A node's events name it by name, its uid too, as Kubernetes does."""
        name = self._spec().name
        involved = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": name}
        self._events.event(involved, type_, reason, message)


def _ready(status: Data) -> str:
    return _status(status, "Ready")


def _status(status: Data, type_: str) -> str:
    return next((str(each["status"]) for each in status.get("conditions") or () if each["type"] == type_), "")
