"""The pods that are wanted on this node: those of the API, and those of manifests, which need no API.

    API ── informer ──▶ pods bound to us ─────────────────┐
                        mirrors ──▶ status of ─┐          ├──▶ Kubelet
    manifests ───────────────────▶ static pods ┴──────────┘

A static pod is told as the API's pods are, with what its mirror remembers of it. One that leaves (its manifest is gone
or is another one) is told with a deletionTimestamp, as if it had been deleted; its successor starts when it has ended.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec
from lightkube.models import core_v1

from kubelet.runtime import PodRef
from kubelet.static.pods import StaticPod, is_mirror, shows
from podling.api.meta import timestamp
from podling.client.codec import plain
from podling.client.informer import Informer
from podling.loop.clock import Clock

Handler = Callable[[str, Any, Any], None]
FORGOTTEN = ("phase", "reason", "message")  # of a mirror's status: a static pod that ended may run again


class PodSource(Protocol):
    """What the kubelet follows."""

    def on_change(self, handler: Handler) -> None: ...

    def get(self, key: str) -> Any | None: ...

    async def synced(self) -> None:
        """Returns when every pod is known that is wanted here: what else is on the engine is an orphan."""

    def replaces(self, ref: PodRef) -> bool:
        """Whether a pod on the engine is known to be an orphan even before that."""

    def ended(self, uid: str) -> None:
        """Nothing is left of a pod that left."""


class PodSources:
    def __init__(self, api: Informer[Any], clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._handlers: list[Handler] = []
        self._mirror_handlers: list[Callable[[str], None]] = []
        self._wanted: dict[str, StaticPod] = {}
        self._current: dict[str, StaticPod] = {}  # told to the kubelet, until it has ended
        self._leaving: set[str] = set()  # uids; who leaves does not stay, even where its manifest comes back
        self._told: dict[str, Any] = {}
        self._manifests_read = asyncio.Event()
        api.on_change(self._api_changed)

    def on_change(self, handler: Handler) -> None:
        self._handlers.append(handler)
        for key, pod in self._told.items():
            handler(key, None, pod)

    def on_mirror_change(self, handler: Callable[[str], None]) -> None:
        """`handler(namespace/name)`: a static pod or its mirror changed."""
        self._mirror_handlers.append(handler)

    def get(self, key: str) -> Any | None:
        return self._told.get(key) or self._api.get(key)

    async def synced(self) -> None:
        await self._api.synced()
        await self._manifests_read.wait()

    async def mirrors_known(self) -> None:
        """Returns when the API has told which mirrors there are."""
        await self._api.synced()

    @property
    def manifests_known(self) -> bool:
        """Every source of manifests was read once: what has a mirror and no manifest has none any more."""
        return self._manifests_read.is_set()

    def static(self, key: str) -> StaticPod | None:
        """The one that runs, or still ends."""
        return self._current.get(key)

    def is_leaving(self, key: str) -> bool:
        current = self._current.get(key)
        return current is not None and current.uid in self._leaving

    def mirror(self, key: str) -> Any | None:
        """What the API has under a static pod's name; it may be another's mirror, or none at all."""
        return self._api.get(key)

    def mirror_keys(self) -> Iterable[str]:
        return [f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in self._api.values() if is_mirror(pod)]

    def shown(self, pod: Any) -> Any | None:
        """The API's object that shows a pod: the pod itself, of a static one its mirror, None while it has none."""
        static = self._current.get(f"{pod.metadata.namespace}/{pod.metadata.name}")
        if static is None or static.uid != pod.metadata.uid:
            return pod
        mirror = self._api.get(static.key)
        return mirror if mirror is not None and shows(mirror, static) else None

    def static_uid(self, namespace: str, name: str, uid: str) -> str:
        """For callers who know a static pod by its mirror: the uid that its containers have."""
        key = f"{namespace}/{name}"
        static, found = self._current.get(key), self._api.get(key)
        return uid if static is None or (found is not None and not is_mirror(found)) else static.uid

    def replaces(self, ref: PodRef) -> bool:
        """Whether it is a former version of a static pod."""
        static = self._current.get(f"{ref.namespace}/{ref.name}")
        return static is not None and static.uid != ref.uid

    def set_static(self, pods: Mapping[str, StaticPod], complete: bool) -> None:
        """The static pods wanted from now on, by namespace/name. `complete`: every source of manifests was read."""
        self._wanted = dict(pods)
        for key in self._current.keys() | self._wanted.keys():
            self._follow(key)
        if complete:
            self._manifests_read.set()

    def ended(self, uid: str) -> None:
        """Of a static pod that left the successor may start now."""
        for key, static in list(self._current.items()):
            if static.uid == uid and self.is_leaving(key):
                del self._current[key], self._told[key]
                self._leaving.discard(uid)
                self._follow(key)
                self._mirror_changed(key)

    def _follow(self, key: str) -> None:
        current, wanted = self._current.get(key), self._wanted.get(key)
        if current is None and wanted is not None:
            self._current[key] = wanted
        elif current is None or (wanted is not None and wanted.uid == current.uid):
            return
        else:
            self._leaving.add(current.uid)
        self._tell_static(key)
        self._mirror_changed(key)

    def _tell_static(self, key: str) -> None:
        static = self._current[key]
        data = {**static.data, "status": self._remembered(static)}
        if self.is_leaving(key):
            old = self._told.get(key)
            since = old.metadata.deletionTimestamp if old is not None else None
            grace = static.data["spec"]["terminationGracePeriodSeconds"]
            leaving = {
                "deletionTimestamp": timestamp(since or self._clock.now()),
                "deletionGracePeriodSeconds": grace,
            }
            data["metadata"] = {**static.data["metadata"], **leaving}
        pod = msgspec.convert(data, core_v1.Pod)
        before, self._told[key] = self._told.get(key), pod
        self._tell(key, before, pod)

    def _remembered(self, static: StaticPod) -> dict[str, Any]:
        mirror = self._api.get(static.key)
        status = plain(mirror.status) or {} if mirror is not None and shows(mirror, static) else {}
        return {"phase": "Pending"} | {name: value for name, value in status.items() if name not in FORGOTTEN}

    def _api_changed(self, key: str, old: Any, new: Any) -> None:
        """A mirror is not a pod to run, whatever was done to it."""
        pods = [None if pod is None or is_mirror(pod) else pod for pod in (old, new)]
        if any(pod is not None for pod in pods):
            self._tell(key, *pods)
        if any(pod is not None and is_mirror(pod) for pod in (old, new)) or key in self._current:
            if key in self._current:
                self._tell_static(key)
            self._mirror_changed(key)

    def _tell(self, key: str, old: Any, new: Any) -> None:
        for handler in self._handlers:
            handler(key, old, new)

    def _mirror_changed(self, key: str) -> None:
        for handler in self._mirror_handlers:
            handler(key)
