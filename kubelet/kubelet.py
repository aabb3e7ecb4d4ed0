"""The kubelet's loop: which pods of this node may be wrong, and a worker for each.

    informer (pods with spec.nodeName = us) ─┐
    Runtime.changes()                        ├─▶ queue of uids ─▶ PodWorker.look, one a pod at a time
    timers (back-offs, deadlines)            │
    a slow look at everything                ┘

A pod on the engine that the API does not know, once it told of all, is an orphan and goes; so is what it left on disk.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from kubelet.context import Tools
from kubelet.runtime import ContainerError, PodRef, RuntimeUnavailable
from kubelet.wanted import ref_of
from kubelet.worker import PodWorker
from podling.client.informer import Informer
from podling.loop import reconcile
from podling.loop.backoff import Backoff
from podling.loop.reconcile import After, Outcome
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)
RELIST_SECONDS = 60.0
ENGINE_AWAY_SECONDS = 1.0
REFUSED_SECONDS = 2.0  # to stop or to remove something
MOST_RETRY_SECONDS = 10.0


class Kubelet:
    """`pods` is an informer of this node's pods; `run` until cancelled. `on_engine_trouble` is called when the engine
    went away, or may have been."""

    def __init__(self, pods: Informer[Any], tools: Tools) -> None:
        self._tools = tools
        self._informer = pods
        self._queue: WorkQueue[str] = WorkQueue(tools.clock, Backoff(first=0.1, most=MOST_RETRY_SECONDS))
        self._workers: dict[str, PodWorker] = {}
        self.on_engine_trouble: Callable[[], None] = lambda: None
        pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._informer.synced()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_engine())
                group.create_task(self._relist())
                while True:
                    uid = await self._queue.get()
                    group.create_task(self._look(uid))
        finally:
            self._queue.close()
            self._tools.launcher.close()
            for worker in self._workers.values():
                worker.close()

    def poke(self, uid: str) -> None:
        """This pod may be wrong."""
        self._queue.add(uid)

    def waiting_reason(self, namespace: str, name: str, container: str) -> str:
        """Why a container has not started, as kubectl shows it."""
        pod = self._informer.get(f"{namespace}/{name}")
        worker = self._workers.get(pod.metadata.uid) if pod else None
        return worker.waiting_reason(container) if worker else "ContainerCreating"

    def _pod_changed(self, key: str, old: Any, new: Any) -> None:
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._tell(ref_of(old), None)
        if new is not None:
            self._tell(ref_of(new), new)

    def _tell(self, ref: PodRef, pod: Any | None) -> None:
        self._worker(ref).tell(pod)
        self.poke(ref.uid)

    def _worker(self, ref: PodRef) -> PodWorker:
        if ref.uid not in self._workers:
            self._workers[ref.uid] = PodWorker(ref, self._tools, lambda: self.poke(ref.uid))
        return self._workers[ref.uid]

    async def _look(self, uid: str) -> None:
        try:
            await reconcile.once("kubelet", self._queue, self._reconcile, uid)
        finally:
            self._queue.done(uid)

    async def _reconcile(self, uid: str) -> Outcome:
        worker = self._workers.get(uid)
        if worker is None:
            return None
        try:
            outcome = await worker.look()
        except RuntimeUnavailable as error:
            log.debug("pod waits for the engine uid=%s error=%s", uid, error)
            self.on_engine_trouble()
            return After(ENGINE_AWAY_SECONDS)
        except ContainerError as error:
            log.warning("engine refused pod=%s/%s uid=%s error=%s", *worker.ref[1:], uid, error.message)
            return After(REFUSED_SECONDS)
        if worker.is_done and worker.pod is None:
            self._workers.pop(uid, None)
            self._tools.statuses.forget(uid)
        return outcome

    async def _follow_engine(self) -> None:
        """What changed on the engine; all of it, where the stream was cut."""
        while True:
            try:
                async for uid in self._tools.runtime.changes():
                    if uid:
                        await self._see(uid)
                        continue
                    self.on_engine_trouble()
                    await self._see_all()
            except RuntimeUnavailable as error:
                log.debug("cannot follow the engine error=%s", error)
                self.on_engine_trouble()
            await self._tools.clock.sleep(ENGINE_AWAY_SECONDS)

    async def _relist(self) -> None:
        """The net under the streams."""
        while True:
            try:
                await self._see_all()
            except RuntimeUnavailable as error:
                log.debug("cannot list the engine error=%s", error)
            await self._tools.clock.sleep(RELIST_SECONDS)

    async def _see(self, uid: str) -> None:
        if uid not in self._workers:
            seen = await self._tools.runtime.pod(uid)
            if seen is None:
                return
            self._worker(seen.ref)
        self.poke(uid)

    async def _see_all(self) -> None:
        """Every pod that the API, the engine or our disk knows."""
        for uid, seen in (await self._tools.runtime.pods()).items():
            self._worker(seen.ref)
            self.poke(uid)
        for uid in self._tools.volumes.known():
            self._worker(PodRef(uid, "", ""))
        for uid in list(self._workers):
            self.poke(uid)
