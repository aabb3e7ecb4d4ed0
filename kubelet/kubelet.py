"""The kubelet's loop: which pods of this node may be wrong, and a worker for each.

    PodSources (of the API, of manifests) ───┐
    Runtime.changes()                        ├─▶ queue of uids ─▶ PodWorker.look, one a pod at a time
    timers (back-offs, deadlines)            │
    a slow look at everything                ┘

A pod on the engine that the API does not know, once it told of all, is an orphan and goes; so is what it left on disk.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kubelet import starting
from kubelet.context import Tools
from kubelet.memory import Failure
from kubelet.node import make_room
from kubelet.runtime import ContainerError, PodRef, RuntimeUnavailable, State
from kubelet.static.pods import is_static
from kubelet.static.sources import PodSource
from kubelet.wanted import TERMINAL, ref_of
from kubelet.worker import PodWorker
from podling.api.errors import ApiError
from podling.client.codec import plain
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
    """`pods` are those wanted on this node; `run` until cancelled. `on_engine_trouble` is called when the engine
    went away, or may have been."""

    def __init__(self, pods: PodSource, tools: Tools) -> None:
        self._tools = tools
        self._pods, self._knows_all = pods, False
        self._queue: WorkQueue[str] = WorkQueue(tools.clock, Backoff(first=0.1, most=MOST_RETRY_SECONDS))
        self._workers: dict[str, PodWorker] = {}
        self.on_engine_trouble: Callable[[], None] = lambda: None
        pods.on_change(self._pod_changed)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_engine())
                group.create_task(self._relist())
                group.create_task(self._learn_all())
                while True:
                    uid = await self._queue.get()
                    group.create_task(self._look(uid))
        finally:
            self._queue.close()
            await self._tools.launcher.close()
            for worker in self._workers.values():
                worker.close()

    def admitted(self) -> Sequence[Any]:
        """The pods that the node has taken, as long as they are not over."""
        return [worker.pod for worker in self._workers.values() if worker.context.holds_its_place()]

    def over(self) -> set[str]:
        """The uids of pods that have ended and stay in the API."""
        return {uid for uid, worker in self._workers.items() if worker.context.status.get("phase") in TERMINAL}

    def fail(self, uid: str, failure: Failure) -> None:
        """A pod ends, because the node wants it to."""
        if worker := self._workers.get(uid):
            worker.context.fail(failure)

    def preempt(self, uid: str) -> None:
        self.event(uid, "Warning", make_room.FAILURE.reason, make_room.MESSAGE)
        self.fail(uid, make_room.FAILURE)

    def event(self, uid: str, type_: str, reason: str, message: str) -> None:
        if worker := self._workers.get(uid):
            worker.context.event(type_, reason, message)

    def sources_changed(self, uid: str) -> None:
        """What the volumes of the pod are made of did."""
        if worker := self._workers.get(uid):
            starting.sources_changed(worker.context)
            self.poke(uid)

    async def has_ended(self, uid: str) -> bool:
        """Nothing of a pod runs any more, its status says so, and its volumes are gone. An engine that is away runs
        nothing."""
        worker = self._workers.get(uid)
        if (worker and worker.is_told_to_run()) or uid in self._tools.volumes.known():
            return False
        try:
            seen = await self._tools.runtime.pod(uid)
        except RuntimeUnavailable:
            return True
        return seen is None or not (seen.sandboxes or any(each.state is State.RUNNING for each in seen.containers))

    async def flush(self, uid: str) -> None:
        """What became of a pod is written now, if the API is there."""
        try:
            await self._tools.statuses.flush(uid)
        except ApiError as error:
            log.warning("status not written uid=%s error=%s", uid, error)

    def poke(self, uid: str) -> None:
        """This pod may be wrong."""
        self._queue.add(uid)

    def status(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """A pod's status as it was found last; before that, as the API knows it."""
        pod = self._pods.get(f"{namespace}/{name}")
        if pod is None:
            return None
        worker = self._workers.get(pod.metadata.uid)
        return (worker.context.status if worker else None) or plain(pod.status) or {}

    def _pod_changed(self, key: str, old: Any, new: Any) -> None:
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._tell(ref_of(old), None)
        if new is not None:
            self._tell(ref_of(new), new)
        if old is not None and new is not None and _tells_of_itself(old) != _tells_of_itself(new):
            self.sources_changed(new.metadata.uid)

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
        if worker.is_done and (worker.pod is None or is_static(worker.pod)):
            self._workers.pop(uid, None)
            self._tools.statuses.forget(uid)
            self._pods.ended(uid)
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

    async def _learn_all(self) -> None:
        """Until every source told of its pods, nothing on the engine is an orphan."""
        await self._pods.synced()
        self._knows_all = True
        with suppress(RuntimeUnavailable):
            await self._see_all()

    def _may_judge(self, ref: PodRef) -> bool:
        return self._knows_all or self._pods.replaces(ref)

    async def _see(self, uid: str) -> None:
        if uid not in self._workers:
            seen = await self._tools.runtime.pod(uid)
            if seen is None or not self._may_judge(seen.ref):
                return
            self._worker(seen.ref)
        self.poke(uid)

    async def _see_all(self) -> None:
        """Every pod that the API, the engine or our disk knows. Those that look as they did are left alone."""
        found = await self._tools.runtime.pods()
        for uid, seen in found.items():
            if uid in self._workers or self._may_judge(seen.ref):
                self._worker(seen.ref)
        for uid in self._tools.volumes.known() if self._knows_all else ():
            self._worker(PodRef(uid, "", ""))
        for uid, worker in list(self._workers.items()):
            if uid not in found or worker.seen != found[uid]:
                self.poke(uid)


def _tells_of_itself(pod: Any) -> Any:
    """What downward volumes hold of a pod, and may change."""
    return pod.metadata.labels, pod.metadata.annotations
