"""What keeps APIServices true: local ones registered, remote ones checked, told of in discovery.

It wakes with every write of the store and looks at a few numbers; where one has changed it looks further. A server
that is there is asked again every half minute, one that is not in the rhythm of a backoff; both at once where the
APIService or the addresses behind it change.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from apiserver.aggregation import availability, registration
from apiserver.aggregation.availability import Condition
from apiserver.aggregation.remote import API_SERVICES, Remote
from apiserver.context import Context
from apiserver.kinds.apiregistration.api_service import API_SERVICE, AVAILABLE
from apiserver.objects.registry import Object, by_server
from apiserver.webhook.serviceresolver import ENDPOINTS, PODS, SERVICES, SLICES
from podling.api import conditions
from podling.api.errors import ApiError, NotFound
from podling.api.meta import timestamp

log = logging.getLogger(__name__)

RESYNC_SECONDS = 30.0
FIRST_RETRY_SECONDS = 0.25
RETRY_SECONDS = 1.0


async def run(context: Context) -> None:
    """Until cancelled. The cluster's bootstrap comes first: it makes the roles that admission may need."""
    await context.bootstrapped.wait()
    starting, seen = True, ()  # type: bool, tuple[int, ...]
    checks: dict[str, _Check] = {}
    try:
        while True:
            revision, kinds = context.feed.revision, context.kinds.changed
            now = _versions(context)
            if now != seen:
                try:
                    await registration.keep(context, starting)
                    starting, seen = False, now
                except ApiError as error:
                    log.warning("APIServices not kept, trying again error=%s", error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                _follow(context, checks)
            await _either(context.feed.reach(revision + 1), kinds.wait())
    finally:
        for check in checks.values():
            check.task.cancel()
        await asyncio.gather(*(check.task for check in checks.values()), return_exceptions=True)


async def _either(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # a Timeout: nothing was written for a while


def _versions(context: Context) -> tuple[int, ...]:
    watched = [SERVICES, SLICES, ENDPOINTS, PODS] if context.aggregator.remotes else []
    return context.kinds.generation, *(context.lister.version(each) for each in (API_SERVICES, *watched))


def _follow(context: Context, checks: "dict[str, _Check]") -> None:
    """One task a remote APIService."""
    remotes = {each.name: each for each in context.aggregator.remotes.values()}
    for name in checks.keys() - remotes.keys():
        checks.pop(name).task.cancel()
        context.aggregator.told.pop(name, None)
    for name, remote in remotes.items():
        if name not in checks:
            checks[name] = _Check(context, name)
        checks[name].look(remote)


class _Check:
    """The checks of one remote APIService. `seen` is what they depend on; our own writes of its status are no part."""

    def __init__(self, context: Context, name: str) -> None:
        self.context, self.name = context, name
        self.seen: object = None
        self.again = asyncio.Event()
        self.task = asyncio.create_task(self._run(), name=f"availability {name}")

    def look(self, remote: Remote) -> None:
        try:
            there: object = sorted(self.context.aggregator.backend.addresses(remote))
        except ApiError as error:
            there = error.message
        now = (remote._replace(available=False), there)
        if now != self.seen:
            self.seen = now
            self.again.set()

    async def _run(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while True:
            self.again.clear()
            remote = self._remote()
            if remote is None:
                return
            try:
                found = await availability.check(self.context.lister, self.context.aggregator.backend, remote)
                if found.status == "True":
                    await self._tell(remote)
                await self._write(found)
            except ApiError as error:
                log.warning("availability not written apiservice=%s error=%s", self.name, error)
                found = Condition("Unknown", "", "")
            settled = found.status == "True"
            pause = FIRST_RETRY_SECONDS if settled else min(pause * 2, RESYNC_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_SECONDS if settled else pause):
                    await self.again.wait()

    def _remote(self) -> Remote | None:
        return next((each for each in self.context.aggregator.remotes.values() if each.name == self.name), None)

    async def _tell(self, remote: Remote) -> None:
        """What it serves, before it counts as there: discovery is complete when the condition turns."""
        backend, told = self.context.aggregator.backend, self.context.aggregator.told
        index = await availability.get(backend, remote, "/openapi/v3")
        paths = (index.get("paths") or {}) if isinstance(index, dict) else {}
        own = remote.path.strip("/")
        found = await availability.resources(backend, remote)
        told[remote.name] = (found, {own: paths[own]} if own in paths else {})

    async def _write(self, found: Condition) -> None:
        now = timestamp(self.context.registry.clock.now())

        async def changed(current: Object) -> Object:
            status = current.setdefault("status", {})
            status["conditions"] = conditions.turned(
                status.get("conditions"), {"type": AVAILABLE, **found._asdict()}, now
            )
            return current

        write = by_server()
        write.subresource = "status"
        with contextlib.suppress(NotFound):
            status = API_SERVICE.subresource("status")
            await self.context.registry.update(API_SERVICE, "", self.name, changed, write, status)
