"""Writes pod statuses to the API server: the newest of each pod, only when it differs, in the background.

The kubelet is the one writer of a pod's status, but conditions of others live there too: a write carries the version
that it was made for, and a conflict is made anew over what is there. A pod that is gone, or whose name belongs to
another by now, is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from kubelet.status import FIELDS, OWNED, SHARED
from podling.api.errors import Conflict, NotFound
from podling.client.client import Client
from podling.client.codec import plain
from podling.client.resource import PODS
from podling.loop import reconcile
from podling.loop.backoff import Backoff
from podling.loop.clock import Clock
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)
Data = dict[str, Any]
WORKERS = 8


class _Known(NamedTuple):
    """What the API has, as far as we know."""

    version: str
    status: Data


class StatusWriter:
    def __init__(self, client: Client, clock: Clock, shown: Callable[[Any], Any | None] = lambda pod: pod) -> None:
        """`shown`: the API's object that shows a pod; None while there is none, as for a static pod without mirror."""
        self._client, self._shown = client, shown
        self._queue: WorkQueue[str] = WorkQueue(clock, Backoff(first=0.1, most=5.0))
        self._latest: dict[str, tuple[Any, Data]] = {}
        self._known: dict[str, _Known] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def run(self) -> None:
        await reconcile.run("status", self._queue, self._write_latest, WORKERS)

    def set(self, pod: Any, status: Data) -> None:
        """To be written soon."""
        uid, pod = pod.metadata.uid, self._shown(pod)
        if pod is None:
            self._latest.pop(uid, None)
            return
        known = self._known.get(uid)
        if known is None or _is_newer(pod.metadata.resourceVersion, known.version):
            self._known[uid] = known = _Known(pod.metadata.resourceVersion or "", plain(pod.status) or {})
        self._latest[uid] = (pod, status)
        if difference(known.status, with_foreign(status, known.status)):
            self._queue.add(uid)

    async def flush(self, uid: str) -> None:
        """Returns when the newest status of a pod is written, or the pod is gone; raises what keeps it from that."""
        if uid in self._latest:
            await self._write(uid)

    def forget(self, uid: str) -> None:
        self._latest.pop(uid, None)
        self._known.pop(uid, None)
        self._locks.pop(uid, None)

    async def _write_latest(self, uid: str) -> None:
        if uid in self._latest:
            await self._write(uid)

    async def _write(self, uid: str) -> None:
        async with self._locks.setdefault(uid, asyncio.Lock()):
            found = self._latest.get(uid)
            if found is None:
                return
            pod, status = found
            namespace, name = pod.metadata.namespace, pod.metadata.name
            try:
                try:
                    await self._patch(uid, pod, status)
                except Conflict:
                    fresh = await self._client.get(PODS, name, namespace)
                    if fresh.metadata.uid != pod.metadata.uid:
                        self.forget(uid)
                        return
                    self._known[uid] = _Known(fresh.metadata.resourceVersion, plain(fresh.status) or {})
                    await self._patch(uid, pod, status)
            except NotFound:
                self.forget(uid)

    async def _patch(self, uid: str, pod: Any, status: Data) -> None:
        namespace, name = pod.metadata.namespace, pod.metadata.name
        known = self._known[uid]
        wanted = with_foreign(status, known.status)
        changes = difference(known.status, wanted)
        if not changes:
            return
        metadata = {"uid": pod.metadata.uid} | ({"resourceVersion": known.version} if known.version else {})
        body = {"metadata": metadata, "status": changes}
        answer = await self._client.patch(PODS, name, body, namespace, subresource="status")
        foreign = {key: value for key, value in known.status.items() if key not in FIELDS}
        self._known[uid] = _Known(answer.metadata.resourceVersion or "", foreign | wanted)
        if wanted.get("phase") != known.status.get("phase"):
            log.info("pod is %s pod=%s/%s uid=%s", wanted.get("phase"), namespace, name, uid)


def difference(old: Data, new: Data) -> Data:
    """The merge patch from one status to another: whole fields, null for what goes. Fields of others stay."""
    return {key: new.get(key) for key in FIELDS if old.get(key) != new.get(key)}


def with_foreign(status: Data, known: Data) -> Data:
    """`status`, with the conditions that others set as the API has them."""
    own = [each for each in status.get("conditions") or () if each["type"] in OWNED + SHARED]
    types = {*OWNED, *(each["type"] for each in own)}
    others = [each for each in known.get("conditions") or () if each["type"] not in types]
    return {**status, "conditions": [*own, *others]}


def _is_newer(version: str | None, than: str) -> bool:
    try:
        return int(version or 0) > int(than or 0)
    except ValueError:
        return version != than
