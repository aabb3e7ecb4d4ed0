"""A registry over a store in memory, with two kinds: notes in namespaces, and pods that go gracefully."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind, Subresource
from apiserver.objects.feed import Feed
from apiserver.objects.registry import Registry
from apiserver.schema.schema import Field, Schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.loop.clock import FakeClock
from tests.unit.apiserver.memory import MemoryStorage
from tests.unit.apiserver.running import certificates, server

__all__ = ["certificates", "server", "world"]

Object = dict[str, Any]

META = Schema("object")
NOTE_SCHEMA = Schema("object", fields={"metadata": Field(META), "text": Field(Schema("string"))})


def _check(note: Object) -> ErrorList:
    return [] if note.get("text") != "bad" else [field.invalid(Path("text"), "bad", "must be good")]


NOTE = Kind("", "v1", "Note", "notes", NOTE_SCHEMA, validate=_check, generation=("spec",), ttl_seconds=0)
LEASE = Kind("", "v1", "Lease", "leases", NOTE_SCHEMA, unconditional_update=False, create_on_update=True)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    NOTE_SCHEMA,
    grace_seconds=lambda pod: 30 if pod.get("spec", {}).get("nodeName") else 0,
    returns_deleted=True,
    generation=("spec",),
    selectable=lambda pod: {"status.phase": (pod.get("status") or {}).get("phase", "")},
    subresources=(Subresource("status", ("get", "update"), prepare_update=lambda new, old: None),),
)
NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    NOTE_SCHEMA,
    namespaced=False,
    terminate=lambda body: body.update(status={"phase": "Terminating"}),
)
EVENT = Kind("", "v1", "Event", "events", NOTE_SCHEMA, ttl_seconds=3600)
KINDS = (NOTE, LEASE, POD, NAMESPACE, EVENT)


class Open:
    """Admission that only remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def admit(self, write: Admission) -> None:
        self.seen.append(("admit", write.operation))

    async def validate(self, write: Admission) -> None:
        self.seen.append(("validate", write.operation))


class World:
    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.clock = FakeClock()
        self.feed = Feed(self.storage, KINDS)
        self.admission = Open()
        self.registry = Registry(self.storage, self.feed, self.admission, self.clock)

    async def note(self, name: str, text: str = "hi", **meta: Any) -> Object:
        body = {"metadata": {"name": name, **meta}, "text": text}
        return (await self.registry.create(NOTE, "default", body)).object


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    feeding = asyncio.create_task(made.feed.run())
    await made.feed.ready.wait()
    yield made
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
