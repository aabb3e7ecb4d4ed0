"""Shows the static pods in the API: a mirror of each, made again whatever becomes of it, gone when its pod is.

static pod    mirror                                  →
────────────────────────────────────────────────────────────
runs          none                                    create
runs          none, a moment after there was one      wait: who deleted it sees that it went
runs, leaves  deleted by somebody, or of another      remove at once; the next look makes the right one
              version of the pod
none          there                                   remove at once
"""

import logging
from typing import Any

from kubelet.static.pods import is_mirror, mirror_of, shows
from kubelet.static.sources import PodSources
from podling.api.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from podling.client.client import Client
from podling.client.events import EventRecorder
from podling.client.resource import NODES, PODS
from podling.loop import reconcile
from podling.loop.backoff import Backoff
from podling.loop.clock import Clock
from podling.loop.reconcile import After, Outcome
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)
AGAIN_SECONDS = 1.0
REFUSED_SECONDS = 30.0
# `kubectl delete` reads the pod, then looks ten times a second whether its name is free: a mirror made again in between
# is waited for without end. It has the same gap before Kubernetes' kubelet, which makes the next mirror at once.
ABSENT_SECONDS = 1.0


class Mirrors:
    def __init__(self, client: Client, sources: PodSources, events: EventRecorder, clock: Clock, node: str) -> None:
        self._client, self._sources, self._events, self._node = client, sources, events, node
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue(clock, Backoff(first=0.1, most=10.0))
        self._absent_since: dict[str, float | None] = {}  # of each that was there once; None while it is there
        sources.on_mirror_change(self._queue.add)

    async def run(self) -> None:
        await self._sources.mirrors_known()
        for key in self._sources.mirror_keys():  # of pods whose manifests went while no kubelet looked
            self._queue.add(key)
        await reconcile.run("mirrors", self._queue, self._reconcile)

    async def _reconcile(self, key: str) -> Outcome:
        static, found = self._sources.static(key), self._sources.mirror(key)
        if found is not None and not is_mirror(found):
            if static is not None:
                log.warning("static pod has no mirror: its name is taken pod=%s uid=%s", key, static.uid)
            return None
        if found is not None and static is None and not self._sources.manifests_known:
            return After(AGAIN_SECONDS)
        if found is not None and (static is None or found.metadata.deletionTimestamp or not shows(found, static)):
            await self._remove(found)
            return After(AGAIN_SECONDS)
        if found is not None:
            self._absent_since[key] = None
            return None
        if static is None or self._sources.is_leaving(key):
            return None
        if (seconds := self._absent_still(key)) > 0:
            return After(seconds)
        try:
            uid = (await self._client.get(NODES, self._node)).metadata.uid
            await self._client.create(PODS, mirror_of(static, self._node, uid), static.data["metadata"]["namespace"])
            log.info("mirror pod created pod=%s uid=%s", key, static.uid)
        except (NotFound, AlreadyExists) as error:  # the node, the namespace; or our copy of the API lags behind
            log.debug("mirror pod not created pod=%s error=%s", key, error)
            return After(AGAIN_SECONDS)
        except (Invalid, Forbidden) as error:
            log.warning("mirror pod refused pod=%s error=%s", key, error)
            involved = {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": self._node}
            self._events.event(involved, "Warning", "FailedMirrorPod", f"Static pod {key} has no mirror: {error}")
            return After(REFUSED_SECONDS)
        return None

    def _absent_still(self, key: str) -> float:
        """Seconds until a mirror that is not there may be made again."""
        if key not in self._absent_since:
            return 0.0
        now = self._clock.monotonic()
        since = self._absent_since[key]
        if since is None:
            self._absent_since[key] = since = now
        return since + ABSENT_SECONDS - now

    async def _remove(self, mirror: Any) -> None:
        metadata = mirror.metadata
        try:
            await self._client.delete(PODS, metadata.name, metadata.namespace, grace_seconds=0, uid=metadata.uid)
            log.info("mirror pod removed pod=%s/%s uid=%s", metadata.namespace, metadata.name, metadata.uid)
        except (NotFound, Conflict) as error:
            log.debug("mirror pod is gone pod=%s/%s error=%s", metadata.namespace, metadata.name, error)
