"""A kind that is served in two versions: `sizes` v2 is stored, v1 calls its `amount` differently."""

import asyncio
from typing import Any

from apiserver import managedfields
from apiserver.kinds import versions
from apiserver.kinds.kind import Column, Kind
from apiserver.managedfields.elsewhere import Elsewhere
from apiserver.objects.deletion import DeleteOptions
from apiserver.objects.feed import Feed
from apiserver.objects.lists import Reader
from apiserver.objects.otherversions import decided
from apiserver.objects.registry import Registry, Write
from apiserver.options import list_options
from apiserver.request import User
from apiserver.schema.schema import Field, Schema
from podling.api import field
from podling.api.errors import Conflict
from podling.api.field import Path
from podling.loop.clock import FakeClock
from tests.unit.apiserver.conftest import Open
from tests.unit.apiserver.memory import MemoryStorage

Object = dict[str, Any]
ALICE = User("alice", ())


WORD = Schema("string")
NAMED = Schema("object", fields={"name": Field(WORD)})


def _schema(name: str) -> Schema:
    fields = {"apiVersion": WORD, "kind": WORD, "metadata": NAMED, "note": WORD, name: Schema("integer")}
    return Schema("object", fields={key: Field(schema) for key, schema in fields.items()})


def _renamed(old: str, new: str, obj: Object) -> Object:
    made = {key: value for key, value in obj.items() if key != old}
    return made | ({new: obj[old]} if old in obj else {})


FACES = versions.Faces()
V2 = versions.hub(
    Kind(
        "example.com",
        "v2",
        "Size",
        "sizes",
        _schema("amount"),
        default=lambda obj: obj.setdefault("amount", 1) and None,
        validate=lambda obj: [] if obj["amount"] < 10 else [field.invalid(Path("amount"), obj["amount"], "too much")],
        generation=("amount", "n"),
        columns=(Column("Amount", "integer", "", lambda obj: obj["amount"]),),
        selectable=lambda obj: {"amount": str(obj.get("amount", ""))},
    ),
    FACES,
)
V1 = versions.face(
    V2,
    version="v1",
    schema=_schema("n"),
    to_hub=lambda obj: _renamed("n", "amount", obj),
    from_hub=lambda obj: _renamed("amount", "n", obj),
    field_labels={"n": "amount"},
)


class World:
    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.feed = Feed(self.storage, (V2, V1))
        self.registry = Registry(self.storage, self.feed, Open(), FakeClock())

    async def __aenter__(self) -> "World":
        self._feeding = asyncio.create_task(self.feed.run())
        await self.feed.ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._feeding.cancel()
        await asyncio.gather(self._feeding, return_exceptions=True)

    async def stored(self, name: str) -> Object:
        found = self.feed.of(V1).get("default", name)
        assert found is not None
        return found.object


def _size(name: str, **fields: Any) -> Object:
    return {"metadata": {"name": name}, **fields}


async def test_what_one_version_writes_the_other_reads_and_the_hub_is_stored() -> None:
    async with World() as world:
        made = await world.registry.create(V1, "default", _size("a", n=3))
        assert (made.object["apiVersion"], made.object["n"]) == ("example.com/v1", 3)
        assert (await world.stored("a"))["apiVersion"] == "example.com/v2"
        other = await world.registry.get(V2, "default", "a")
        assert other.object["amount"] == 3
        assert "n" not in other.object
        assert V1.columns[0].cell(made.object) == 3


async def test_defaults_and_rules_of_the_hub_hold_in_every_version() -> None:
    async with World() as world:
        assert (await world.registry.create(V1, "default", _size("a"))).object["n"] == 1
        try:
            await world.registry.create(V1, "default", _size("b", n=12))
        except Exception as error:
            assert "too much" in str(error)
        else:
            raise AssertionError("twelve was accepted")


async def test_an_update_in_one_version_keeps_what_the_other_wrote() -> None:
    async with World() as world:
        await world.registry.create(V2, "default", _size("a", amount=2, note="mine"))

        async def grown(current: Object) -> Object:
            assert current["apiVersion"] == "example.com/v1"
            return {**current, "n": current["n"] + 1}

        seen = await world.registry.update(V1, "default", "a", grown, Write(ALICE, "m"))
        assert seen.object["n"] == 3
        assert (seen.object["note"], seen.object["metadata"]["generation"]) == ("mine", 2)
        again = await world.registry.update(V1, "default", "a", _same, Write(ALICE, "m"))
        assert again.revision == seen.revision


async def _same(current: Object) -> Object:
    return current


async def test_lists_and_watches_speak_the_version_asked_for_and_its_field_names() -> None:
    async with World() as world:
        await world.registry.create(V2, "default", _size("a", amount=2))
        await world.registry.create(V2, "default", _size("b", amount=3))
        found = await Reader(world.feed).list(V1, "default", list_options({"fieldSelector": "n=3"}, V1))
        assert [(each.object["apiVersion"], each.object["n"]) for each in found.items] == [("example.com/v1", 3)]
        assert b'"n":3' in found.items[0].tail


async def test_a_delete_in_one_version_is_one_in_all() -> None:
    async with World() as world:
        await world.registry.create(V2, "default", _size("a"))
        gone = await world.registry.delete(V1, "default", "a", DeleteOptions())
        assert gone.cached.object["n"] == 1
        assert world.feed.of(V2).get("default", "a") is None


async def test_a_kind_that_comes_at_run_time_finds_its_objects_and_misses_no_change() -> None:
    async with World() as world:
        late = Kind("late.example.com", "v1", "Late", "lates", _schema("n"))
        early = Registry(world.storage, Feed(world.storage, (late,)), Open(), FakeClock())
        feeding = asyncio.create_task(early.feed.run())
        await early.feed.ready.wait()
        await early.create(late, "default", _size("before"))
        adding = asyncio.create_task(world.feed.add(late))
        await early.create(late, "default", _size("meanwhile"))
        await adding
        await early.create(late, "default", _size("after"))
        await world.feed.fresh()
        assert [each.key for each in world.feed.of(late).objects.values()] == [
            "default/after",
            "default/before",
            "default/meanwhile",
        ]
        world.feed.remove(late)
        assert (late.group, late.plural) not in world.feed.caches
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def test_managers_of_both_versions_keep_what_is_theirs() -> None:
    async with World() as world:
        await world.registry.create(V2, "default", _size("a", amount=2, note="mine"), Write(ALICE, "two"))

        async def changed(current: Object) -> Object:
            return {**current, "n": 5}

        await world.registry.update(V1, "default", "a", changed, Write(ALICE, "one"))
        meta = (await world.stored("a"))["metadata"]
        owners = {entry["manager"]: (entry["apiVersion"], set(entry["fieldsV1"])) for entry in meta["managedFields"]}
        assert owners == {"two": ("example.com/v2", {"f:note"}), "one": ("example.com/v1", {"f:n"})}


async def test_an_apply_in_another_version_conflicts_and_prunes_across_versions() -> None:
    async with World() as world:
        first = await _apply(world, V2, "gitops", _size("a", amount=2, note="x"))
        assert first["amount"] == 2
        try:
            await _apply(world, V1, "other", _size("a", n=3))
        except Conflict as error:
            assert 'conflict with "gitops"' in error.message
        else:
            raise AssertionError("no conflict")
        assert "note" not in await _apply(world, V1, "gitops", _size("a", n=2))


async def _apply(world: World, kind: Kind, manager: str, config: Object) -> Object:
    """As `verbs/patch.py` does it."""
    body = {"apiVersion": kind.api_version, "kind": kind.kind, **config}
    write = Write(ALICE, manager, tracked=False)

    async def merged(live: Object | None) -> Object:
        def act(elsewhere: Elsewhere) -> Object:
            return managedfields.apply(
                live,
                body,
                manager=manager,
                force=False,
                api_version=kind.api_version,
                schema=kind.schema,
                now="2026-01-01T00:00:00Z",
                elsewhere=elsewhere,
            )

        return await decided(kind, act, live)

    if world.feed.of(kind).get("default", config["metadata"]["name"]):
        return (await world.registry.update(kind, "default", config["metadata"]["name"], merged, write)).object
    return (await world.registry.create(kind, "default", await merged(None), write)).object
