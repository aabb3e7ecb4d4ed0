"""Asks the scheduler, the controllers and the store whether they are well: the ComponentStatuses.

Source: kubernetes/pkg/registry/core/componentstatus.
"""

import asyncio
from collections.abc import Sequence

import aiohttp

from apiserver.context import Context
from apiserver.http.health import etcd
from apiserver.kinds.kind import Kind, Object
from apiserver.objects.cached import Cached, head
from apiserver.objects.watcher import Filter
from apiserver.refusal import Unexplained
from apiserver.webhook import neterrors

ANSWER_SECONDS = 20.0
STORE = "etcd-0"


async def found(context: Context, kind: Kind, wanted: Filter) -> Sequence[Cached]:
    named = (*sorted(context.config.components), STORE)
    made = await asyncio.gather(*(_asked(context, kind, name) for name in named))
    return [each for each in made if wanted.matches(each)]


async def one(context: Context, kind: Kind, _namespace: str, name: str) -> Cached:
    if name != STORE and name not in context.config.components:
        raise Unexplained(f"Component not found: {name}")
    return await _asked(context, kind, name)


async def _asked(context: Context, kind: Kind, name: str) -> Cached:
    condition = await (_store(context) if name == STORE else _component(context.config.components[name]))
    conditions = [{"type": "Healthy", **{key: value for key, value in condition.items() if value}}]
    body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"name": name}, "conditions": conditions}
    return Cached(kind, head(kind), name, body, 0)


async def _store(context: Context) -> Object:
    why = await etcd(context)
    return {"status": "Unknown", "message": why, "error": why} if why else {"status": "True", "message": "ok"}


async def _component(url: str) -> Object:
    """Of its /healthz. Whoever answers another thing than 200 is not well."""
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            text = await response.text()
            return {"status": "True" if response.status == 200 else "False", "message": text}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return {"status": "False", "message": f'Get "{url}": {neterrors.words(error)}'}
