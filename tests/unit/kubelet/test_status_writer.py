import asyncio
from typing import Any

import pytest

from kubelet.status_writer import StatusWriter, difference, with_foreign
from podling.client.fake import FakeClient
from podling.client.resource import PODS
from podling.loop.clock import FakeClock

from .conftest import pod


def status(phase: str = "Running", **more: Any) -> dict[str, Any]:
    return {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}], **more}


async def writer() -> tuple[FakeClient, StatusWriter, Any]:
    client = FakeClient()
    client.add(PODS, pod())
    return client, StatusWriter(client, FakeClock()), await client.get(PODS, "web", "default")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"phase": "a"}, {"phase": "a"}, {}),
        ({"phase": "a"}, {"phase": "b"}, {"phase": "b"}),
        ({"phase": "a", "podIP": "1"}, {"phase": "a"}, {"podIP": None}),
        ({"phase": "a", "nominatedNodeName": "theirs"}, {"phase": "a"}, {}),
        ({}, {"podIPs": [1]}, {"podIPs": [1]}),
    ],
)
def test_a_patch_has_only_what_differs(old: Any, new: Any, expected: Any) -> None:
    assert difference(old, new) == expected


def test_conditions_of_others_stay() -> None:
    mine = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "theirs", "status": "old"}]}
    known = {"conditions": [{"type": "Ready", "status": "False"}, {"type": "theirs", "status": "new"}]}
    assert with_foreign(mine, known)["conditions"] == [
        {"type": "Ready", "status": "True"},
        {"type": "theirs", "status": "new"},
    ]


async def test_nothing_is_written_twice() -> None:
    client, statuses, typed = await writer()
    statuses.set(typed, status())
    await statuses.flush("uid-web")
    version = client.version
    await statuses.flush("uid-web")
    assert client.version == version


async def test_an_address_that_went_and_came_back_is_written_again() -> None:
    client, statuses, typed = await writer()
    for more in ({"podIP": "10.244.0.2"}, {}, {"podIP": "10.244.0.2"}):
        statuses.set(typed, status(**more))
        await statuses.flush("uid-web")
    assert (await client.get(PODS, "web", "default")).status.podIP == "10.244.0.2"


async def test_a_conflict_is_written_over_what_is_there_and_keeps_it() -> None:
    client, statuses, typed = await writer()
    theirs = {"conditions": [{"type": "theirs", "status": "True"}], "nominatedNodeName": "n2"}
    await client.patch(PODS, "web", {"status": theirs}, "default", subresource="status")
    statuses.set(typed, status())
    await statuses.flush("uid-web")
    stored = (client.find(PODS, "web") or {})["status"]
    assert (stored["phase"], stored["nominatedNodeName"]) == ("Running", "n2")
    assert [each["type"] for each in stored["conditions"]] == ["Ready", "theirs"]


async def test_a_pod_of_the_same_name_is_left_alone() -> None:
    client, statuses, typed = await writer()
    statuses.set(typed, status())
    await client.delete(PODS, "web", "default", grace_seconds=0)
    again = pod()
    again["metadata"]["uid"] = "another"
    client.add(PODS, again)
    await statuses.flush("uid-web")
    assert (client.find(PODS, "web") or {})["status"]["phase"] == "Pending"


async def test_a_pod_that_is_gone_is_forgotten() -> None:
    client, statuses, typed = await writer()
    statuses.set(typed, status())
    await client.delete(PODS, "web", "default", grace_seconds=0)
    await statuses.flush("uid-web")
    await statuses.flush("uid-web")


async def test_a_write_that_failed_is_tried_again() -> None:
    client, statuses, typed = await writer()
    failures = iter([ConnectionError("away")])

    def fail(verb: str, plural: str, name: str) -> None:
        if error := next(failures, None):
            raise error

    client.fail = fail
    clock = FakeClock()
    statuses = StatusWriter(client, clock)
    running = asyncio.ensure_future(statuses.run())
    statuses.set(typed, status())
    await clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (client.find(PODS, "web") or {})["status"]["phase"] == "Running"
