"""The flow schemas and priority levels that every cluster has are made, mended and made again, and every flow schema's
status says whether its priority level exists.

A mandatory object is always as it must be. A suggested one follows this program while its annotation
apf.kubernetes.io/autoupdate-spec is "true", or, without it, while nobody has ever changed its spec.
Source: k8s.io/apiserver/pkg/util/apihelpers and pkg/registry/flowcontrol/ensurer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from apiserver.kinds.flowcontrol.flow_schema import FLOW_SCHEMA
from apiserver.kinds.flowcontrol.presets import AUTOUPDATE, LEVELS, MANDATORY, SCHEMAS
from apiserver.kinds.flowcontrol.priority_level import PRIORITY_LEVEL
from apiserver.objects.registry import SERVER, Registry, Write
from apiserver.objects.watcher import Filter
from podling.api.errors import AlreadyExists, ApiError, NotFound
from podling.api.meta import timestamp

if TYPE_CHECKING:
    from apiserver.kinds.kind import Kind

log = logging.getLogger(__name__)

Object = dict[str, Any]

RETRY_SECONDS = 60.0  # besides every change of one of the objects
PRODUCER = "api-priority-and-fairness-config-producer-v1"
CONSUMER = "api-priority-and-fairness-config-consumer-v1"


async def run(registry: Registry) -> None:
    """Until cancelled."""
    while True:
        caches = [registry.feed.of(kind) for kind in (FLOW_SCHEMA, PRIORITY_LEVEL)]
        watchers = [cache.watch(Filter(), cache.changed) for cache in caches]
        try:
            await ensure(registry)
            await _first(watchers)
        finally:
            for cache, watcher in zip(caches, watchers, strict=True):
                cache.forget(watcher)
        await registry.feed.ready.wait()


async def _first(watchers: list[Any]) -> None:
    """Until one of them has something, or a minute is over."""
    waits = [asyncio.ensure_future(watcher.wait(RETRY_SECONDS)) for watcher in watchers]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def ensure(registry: Registry) -> None:
    """Once through everything; what fails is told and left for the next time."""
    for kind, presets in ((PRIORITY_LEVEL, LEVELS), (FLOW_SCHEMA, SCHEMAS)):
        await asyncio.gather(*(_tried(_keep(registry, kind, wanted), wanted["metadata"]["name"]) for wanted in presets))
    schemas, levels = (registry.feed.of(kind) for kind in (FLOW_SCHEMA, PRIORITY_LEVEL))
    told = [each.object for each in schemas.select(Filter())]
    names = [
        schema["metadata"]["name"]
        for schema in told
        if dangling(schema, level_of(schema), levels.get("", level_of(schema)) is not None, "") is not None
    ]
    await asyncio.gather(*(_tried(_tell(registry, name), name) for name in names))


async def _tried(step: Awaitable[object], name: str) -> None:
    try:
        await step
    except ApiError as error:
        log.warning("flow control object not kept name=%s error=%s", name, error)


async def _keep(registry: Registry, kind: "Kind", wanted: Object) -> None:
    name = wanted["metadata"]["name"]
    found = registry.feed.of(kind).get("", name)
    if found is None:
        made = {**wanted, "metadata": {"name": name, "annotations": {AUTOUPDATE: "true"}}}
        try:
            await registry.create(kind, "", made, Write(SERVER, PRODUCER))
            log.info("flow control object created kind=%s name=%s", kind.kind, name)
        except AlreadyExists:
            return  # another API server on the same store
    elif mended(found.object, wanted) is not None:
        await _change(registry, kind, name, lambda body: mended(body, wanted), Write(SERVER, PRODUCER))


async def _change(
    registry: Registry, kind: "Kind", name: str, mend: Callable[[Object], Object | None], write: Write
) -> None:
    async def change(body: Object) -> Object:
        return mend(body) or body

    try:
        await registry.update(kind, "", name, change, write, kind.subresource(write.subresource))
    except NotFound:
        return  # the next round makes it again, where it must be


def mended(found: Object, wanted: Object) -> Object | None:
    """`found` as this program has it; None where nothing is to be done, or it is not ours any more."""
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    follows = annotations.get(AUTOUPDATE, "true" if metadata.get("generation") == 1 else "false") == "true"
    spec = wanted["spec"] if follows or metadata["name"] in MANDATORY else found["spec"]
    if "exempt" in found["spec"] and not follows:
        spec = {**spec, "exempt": found["spec"]["exempt"]}  # the one part of a mandatory object that may be written
    said = annotations if AUTOUPDATE in annotations else {**annotations, AUTOUPDATE: "true" if follows else "false"}
    if spec == found["spec"] and said == annotations:
        return None
    return {**found, "metadata": {**metadata, "annotations": said}, "spec": spec}


async def _tell(registry: Registry, name: str) -> None:
    write = Write(SERVER, CONSUMER, subresource="status")

    def mend(body: Object) -> Object | None:
        exists = registry.feed.of(PRIORITY_LEVEL).get("", level_of(body)) is not None
        return dangling(body, level_of(body), exists, timestamp(registry.clock.now()))

    await _change(registry, FLOW_SCHEMA, name, mend, write)


def level_of(schema: Object) -> str:
    return str((schema["spec"].get("priorityLevelConfiguration") or {}).get("name", ""))


def dangling(schema: Object, level: str, exists: bool, now: str) -> Object | None:
    """The flow schema with its condition as it is; None where it says so already."""
    shown = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" '
    condition = {
        "type": "Dangling",
        "status": "False" if exists else "True",
        "lastTransitionTime": now,
        "reason": "Found" if exists else "NotFound",
        "message": shown + ("and it exists" if exists else "but there is no such object"),
    }
    status = schema.get("status") or {}
    others = [each for each in status.get("conditions") or () if each.get("type") != "Dangling"]
    said = next((each for each in status.get("conditions") or () if each.get("type") == "Dangling"), None)
    if said is not None and all(said.get(key) == condition[key] for key in ("status", "reason", "message")):
        return None
    return {**schema, "status": {**status, "conditions": [*others, condition]}}
