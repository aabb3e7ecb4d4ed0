"""Priority and fairness through the server's own door."""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from apiserver.fairness.gate import LEVEL_UID, SCHEMA_UID
from tests.unit.apiserver.door import Door, door
from tests.unit.apiserver.memory import MemoryStorage

MAPS = "/api/v1/namespaces/default/configmaps"
FLOW_CONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"
TOKENS = 'greedy-token,greedy,1,"g"\nquiet-token,quiet,2,"g"\nslow-token,slow,3,"g"\n'


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Door]:
    storage = MemoryStorage()
    for at in range(600):
        meta = {"name": f"m{at}", "namespace": "default", "uid": str(at)}
        body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": {"k": "x" * 200}}
        storage.put(f"/registry/configmaps/default/m{at}".encode(), json.dumps(body).encode())
    (tmp_path / "tokens.csv").write_text(TOKENS)
    async with door(tmp_path, storage, token_file=tmp_path / "tokens.csv") as made:
        await made.bind("greedy", "quiet", "slow")
        yield made


async def test_every_answer_tells_its_flow_schema_and_level(server: Door) -> None:
    schema = (await server.call("GET", f"{FLOW_CONTROL}/flowschemas/global-default")).body
    level = (await server.call("GET", f"{FLOW_CONTROL}/prioritylevelconfigurations/global-default")).body
    for path in (f"{MAPS}/m1", f"{MAPS}/nothing", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=0", "/version"):
        answer = await server.call("GET", path, token="quiet-token")
        assert answer.headers[SCHEMA_UID] == schema["metadata"]["uid"], path
        assert answer.headers[LEVEL_UID] == level["metadata"]["uid"], path


async def test_two_hundred_lists_at_once_do_not_starve_another_client(server: Door) -> None:
    """None is refused, and the quiet client is answered while the greedy one's lists still wait."""
    listed = 0

    async def get(path: str, token: str) -> None:
        answer = await server.call("GET", path, token=token)
        assert answer.status == 200, answer.text

    async def greedy() -> None:
        nonlocal listed
        await get(MAPS, "greedy-token")
        listed += 1

    flood = asyncio.gather(*(greedy() for _ in range(200)))
    await asyncio.sleep(0)
    listed_meanwhile = []
    while not flood.done():
        before = listed
        await get(f"{MAPS}/m1", "quiet-token")
        listed_meanwhile.append(listed - before)
    await flood
    assert len(listed_meanwhile) > 3
    assert statistics.median(listed_meanwhile) < 50


async def narrow(server: Door, name: str, user: str, response: dict[str, Any]) -> None:
    """A priority level with hardly a seat, for one user."""
    limited = {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": response}
    level = {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}
    rules = {
        "subjects": [{"kind": "User", "user": {"name": user}}],
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}],
    }
    spec = {"matchingPrecedence": 3, "priorityLevelConfiguration": {"name": name}, "rules": [rules]}
    for plural, body in (
        ("prioritylevelconfigurations", level),
        ("flowschemas", {"metadata": {"name": name}, "spec": spec}),
    ):
        made = await server.call("POST", f"{FLOW_CONTROL}/{plural}", json=body)
        assert made.status == 201, made.text


async def until(server: Door, line: str) -> None:
    for _ in range(6000):
        if line in (await server.call("GET", "/metrics")).text:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"never seen: {line}")


@pytest.mark.parametrize(
    ("response", "least"),
    [
        ({"type": "Reject"}, 1),
        ({"type": "Queue", "queuing": {"queues": 1, "handSize": 1, "queueLengthLimit": 2}}, 3),
    ],
)
async def test_where_nobody_more_may_wait_it_is_429_and_when_to_come_again(
    server: Door, response: dict[str, Any], least: int
) -> None:
    await narrow(server, "narrow", "slow", response)
    body = b'{"metadata":{"name":"a"}}'
    let = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:5]
        await let.wait()
        yield body[5:]

    headers = {"Content-Type": "application/json"}
    holds = asyncio.create_task(server.call("POST", MAPS, token="slow-token", data=slowly(), headers=headers))
    try:
        await until(server, 'apiserver_flowcontrol_current_executing_seats{priority_level="narrow"} 1.0')
        waits = [asyncio.create_task(server.call("GET", f"{MAPS}/m1", token="slow-token")) for _ in range(8)]
        soon = asyncio.as_completed(waits)
        for _ in range(8 - (least - 1)):
            answer = await next(soon)
            assert (answer.status, answer.text) == (429, "Too many requests, please try again later.\n")
            assert int(answer.headers["Retry-After"]) >= 1
            assert SCHEMA_UID in answer.headers
        assert (await server.call("GET", f"{MAPS}/m1", token="quiet-token")).status == 200  # another level
        assert (await server.call("GET", f"{MAPS}/m1")).status == 200  # exempt
    finally:
        let.set()
    assert (await holds).status == 201
    assert [(await answer).status for answer in soon] == [200] * (least - 1)


async def test_a_watch_gives_its_seat_back_once_it_has_begun(server: Door) -> None:
    await narrow(server, "narrow", "slow", {"type": "Reject"})
    headers = {"Authorization": "Bearer slow-token"}
    url = f"{server.config.url}{MAPS}?watch=1&resourceVersion=0"
    async with server.anybody.get(url, headers=headers) as watch:
        assert watch.status == 200
        await watch.content.readline()
        assert (await server.call("GET", f"{MAPS}/m1", token="slow-token")).status == 200
