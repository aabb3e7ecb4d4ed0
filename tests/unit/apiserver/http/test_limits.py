"""What a request may be and how long it may take."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from apiserver.http.body import JSON_DEPTH, depth
from apiserver.http.deadline import parse
from tests.unit.apiserver.door import Door, door

JSON = {"Content-Type": "application/json"}
MAPS = "/api/v1/namespaces/default/configmaps"


ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # one server for all


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with door(tmp_path_factory.mktemp("server")) as made:
        yield made


@ONE_LOOP
async def test_a_request_that_takes_longer_than_it_may_is_504_and_the_next_is_served(server: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await server.call("POST", f"{MAPS}?timeout=100ms", data=endless(), headers=JSON)
    assert answer.status == 504
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Timeout: request did not complete within the allotted timeout",
        "reason": "Timeout",
        "details": {},
        "code": 504,
    }
    assert (await server.call("GET", MAPS)).status == 200


@ONE_LOOP
async def test_addresses_and_tokens_may_be_long(server: Door) -> None:
    selector = ",".join(f"!label-{number}" for number in range(2000))
    assert (await server.call("GET", f"{MAPS}?labelSelector={selector}")).status == 200
    assert (await server.call("GET", MAPS, token="x" * 20_000)).status == 401


@ONE_LOOP
async def test_a_watch_that_is_asked_for_its_head_has_no_body(server: Door) -> None:
    assert (await server.call("HEAD", "/api/v1/namespaces?watch=1")).text == ""
    assert (await server.call("GET", MAPS)).status == 200


@ONE_LOOP
async def test_a_watch_is_not_ended_by_the_timeout_of_others(server: Door) -> None:
    answer = await server.call("GET", f"{MAPS}?watch=1&timeoutSeconds=1&timeout=10ms")
    assert answer.status == 200


@ONE_LOOP
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon", 'time: invalid duration "soon"'),
        ("5", 'time: missing unit in duration "5"'),
        ("5d", 'time: unknown unit "d" in duration "5d"'),
    ],
)
async def test_a_timeout_that_nobody_can_read_is_refused(server: Door, text: str, words: str) -> None:
    answer = await server.call("GET", f"{MAPS}?timeout={text}")
    assert (answer.status, answer.body["message"]) == (400, f"invalid timeout specified in the request URL - {words}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m30s", 90.0), ("1.5h", 5400.0), ("-2s", -2.0), ("+.5s", 0.5), ("0", 0.0), ("3ms", 0.003), ("1s5us", 1.000005)],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert parse(text) == pytest.approx(seconds)


@ONE_LOOP
@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/a"])
@pytest.mark.parametrize("nested", [JSON_DEPTH + 1, 5000, 100_000])
async def test_what_is_nested_too_deeply_is_refused_and_nothing_breaks(server: Door, path: str, nested: int) -> None:
    body = b'{"metadata":' + b'{"a":' * nested + b"1" + b"}" * nested + b"}"
    method, kind = ("POST", "application/json") if path == MAPS else ("PATCH", "application/merge-patch+json")
    answer = await server.call(method, path, data=body, headers={"Content-Type": kind})
    assert answer.status == 400
    assert "exceeded max depth" in answer.body["message"]


@ONE_LOOP
async def test_yaml_that_is_nested_deeply_or_names_itself_over_and_over_is_refused(server: Door) -> None:
    headers = {"Content-Type": "application/yaml"}
    deep = "\n".join(f"{' ' * level}a:" for level in range(1500))
    assert (await server.call("POST", MAPS, data=deep.encode(), headers=headers)).status == 400
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12)]
    bomb = "metadata: {name: bomb}\ndata:\n" + "\n".join(f"  {line}" for line in laughs)
    assert (await server.call("POST", MAPS, data=bomb, headers=headers)).status == 400


@ONE_LOOP
async def test_a_body_that_is_compressed_is_read_and_counted_as_it_is_unpacked(server: Door) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    small = gzip.compress(json.dumps({"metadata": {"name": "packed"}}).encode())
    assert (await server.call("POST", MAPS, data=small, headers=headers)).status == 201
    bomb = gzip.compress(b"{" + b" " * (64 << 20))
    assert (await server.call("POST", MAPS, data=bomb, headers=headers)).status == 413
    assert (await server.call("POST", MAPS, data=b"{}", headers=headers)).status == 400


@ONE_LOOP
async def test_answers_are_not_to_be_kept_and_carry_an_audit_id(server: Door) -> None:
    answer = await server.call("GET", MAPS)
    assert answer.headers["Cache-Control"] == "no-cache, private"
    assert len(answer.headers["Audit-Id"]) == 36
    assert (await server.call("GET", "/openid/v1/jwks")).headers["Cache-Control"] == "public, max-age=3600"


VALUES = st.recursive(
    st.none() | st.integers() | st.text('ab"\\[]{}\n'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('k"[{'), inner),
    max_leaves=30,
)


def true_depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (1 if isinstance(value, (dict, list)) else 0) + max(map(true_depth, inner), default=0)


@settings(max_examples=40)
@given(VALUES)
def test_depth_is_counted_outside_of_texts(value: object) -> None:
    padded = [[]] * (JSON_DEPTH + 1)  # so many brackets that they are not merely counted
    assert depth(json.dumps([padded, value]).encode()) == max(3, 1 + true_depth(value))
