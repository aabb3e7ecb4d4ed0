"""An object in other versions, for those who decide purely: conversion may wait for a webhook, they do not.

Where a manager of another version is among the owners, the decision runs in a thread and conversions on the loop.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from apiserver.kinds.kind import Kind
from apiserver.managedfields.elsewhere import NOWHERE, Elsewhere
from apiserver.schema.schema import Schema

Object = dict[str, Any]
T = TypeVar("T")


class OtherVersions:
    """`converted` is called from a thread that may wait."""

    def __init__(self, kind: Kind) -> None:
        assert kind.versions is not None
        self._kind, self._versions, self._loop = kind, kind.versions, asyncio.get_running_loop()

    def schema(self, api_version: str) -> Schema | None:
        found = self._versions.kind(api_version)
        return found.schema if found else None

    def converted(self, obj: Object, api_version: str) -> Object:
        to = self._versions.kind(api_version)
        assert to is not None
        named = {**obj, "kind": self._kind.kind}
        return asyncio.run_coroutine_threadsafe(self._versions.convert([named], to), self._loop).result()[0]


async def decided(kind: Kind, decide: Callable[[Elsewhere], T], *objects: Object | None) -> T:
    """What `decide` comes to. `objects` are those whose managers count."""
    if kind.versions is None or not any(_has_others(kind, obj) for obj in objects):
        return decide(NOWHERE)
    return await asyncio.to_thread(decide, OtherVersions(kind))


def _has_others(kind: Kind, obj: Object | None) -> bool:
    entries = ((obj or {}).get("metadata") or {}).get("managedFields")
    return isinstance(entries, list) and any(
        isinstance(entry, dict) and entry.get("apiVersion") != kind.api_version for entry in entries
    )
