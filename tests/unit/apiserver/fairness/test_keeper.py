"""What every cluster must have is made, mended and made again; what somebody has made his own stays."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apiserver.fairness import keeper
from apiserver.kinds.flowcontrol.flow_schema import FLOW_SCHEMA
from apiserver.kinds.flowcontrol.presets import AUTOUPDATE, LEVELS, SCHEMAS
from apiserver.kinds.flowcontrol.priority_level import PRIORITY_LEVEL
from apiserver.kinds.kind import Kind
from apiserver.objects.deletion import DeleteOptions
from apiserver.objects.feed import Feed
from apiserver.objects.registry import Registry, by_server
from apiserver.objects.watcher import Filter
from podling.loop.clock import FakeClock
from tests.unit.apiserver.conftest import Open
from tests.unit.apiserver.memory import MemoryStorage

Object = dict[str, Any]


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    storage = MemoryStorage()
    feed = Feed(storage, (FLOW_SCHEMA, PRIORITY_LEVEL))
    feeding = asyncio.create_task(feed.run())
    await feed.ready.wait()
    made = Registry(storage, feed, Open(), FakeClock())
    await keeper.ensure(made)
    yield made
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)


def names(registry: Registry, kind: Kind) -> set[str]:
    return {each.metadata["name"] for each in registry.feed.of(kind).select(Filter())}


async def change(registry: Registry, kind: Kind, name: str, **parts: Any) -> Object:
    async def apply(body: Object) -> Object:
        annotations = parts.get("annotations", body["metadata"].get("annotations"))
        return {**body, "metadata": {**body["metadata"], "annotations": annotations},
                "spec": {**body["spec"], **parts.get("spec", {})}}  # fmt: skip

    return (await registry.update(kind, "", name, apply, by_server())).object


async def test_mandatory_and_suggested_objects_are_there_and_no_schema_dangles(registry: Registry) -> None:
    assert names(registry, PRIORITY_LEVEL) == {each["metadata"]["name"] for each in LEVELS}
    assert names(registry, FLOW_SCHEMA) == {each["metadata"]["name"] for each in SCHEMAS}
    for found in registry.feed.of(FLOW_SCHEMA).select(Filter()):
        condition = found.object["status"]["conditions"][0]
        level = found.object["spec"]["priorityLevelConfiguration"]["name"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")
        assert condition["message"] == (
            f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and it exists'
        )


async def test_looking_again_writes_nothing(registry: Registry) -> None:
    before = await registry.feed.storage.revision()
    await keeper.ensure(registry)
    assert await registry.feed.storage.revision() == before


async def test_a_suggested_object_that_says_so_follows_and_another_is_left_alone(registry: Registry) -> None:
    await change(registry, FLOW_SCHEMA, "probes", spec={"matchingPrecedence": 7})
    await change(registry, FLOW_SCHEMA, "service-accounts", spec={"matchingPrecedence": 7},
                 annotations={AUTOUPDATE: "false"})  # fmt: skip
    await keeper.ensure(registry)
    precedence = {each.metadata["name"]: each.object["spec"]["matchingPrecedence"]
                  for each in registry.feed.of(FLOW_SCHEMA).select(Filter())}  # fmt: skip
    assert (precedence["probes"], precedence["service-accounts"]) == (2, 7)


async def test_the_exempt_levels_shares_may_be_set_by_who_says_that_they_are_his(registry: Registry) -> None:
    mine = {"nominalConcurrencyShares": 4, "lendablePercent": 10}
    await change(registry, PRIORITY_LEVEL, "exempt", spec={"exempt": mine}, annotations={AUTOUPDATE: "false"})
    await keeper.ensure(registry)
    found = registry.feed.of(PRIORITY_LEVEL).get("", "exempt")
    assert found is not None
    assert found.object["spec"]["exempt"] == mine


async def test_what_is_deleted_comes_back_while_the_keeper_runs_and_a_missing_level_is_told(registry: Registry) -> None:
    running = asyncio.create_task(keeper.run(registry))
    gone = DeleteOptions(None, "", None, None, None, False)
    await registry.delete(PRIORITY_LEVEL, "", "catch-all", gone)
    spec = {**SCHEMAS[0]["spec"], "matchingPrecedence": 50, "priorityLevelConfiguration": {"name": "nowhere"}}
    await registry.create(FLOW_SCHEMA, "", {"metadata": {"name": "mine"}, "spec": spec})

    def told() -> bool:
        mine = registry.feed.of(FLOW_SCHEMA).get("", "mine")
        conditions = mine.object["status"].get("conditions") if mine else None
        return bool(conditions) and conditions[0]["reason"] == "NotFound"  # type: ignore[index]

    for _ in range(6000):
        if "catch-all" in names(registry, PRIORITY_LEVEL) and told():
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the keeper did nothing")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
