"""etcd's Watch stream, on ours and on a real etcd: many watches, filters, cancels, progress, slow readers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from podling.pb.store import kv_pb2, rpc_pb2_grpc
from podling.pb.store import rpc_pb2 as pb

Create = pb.WatchCreateRequest


class Server:
    """A client of one server, with the stream under test."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.kv = rpc_pb2_grpc.KVStub(channel)
        self.stream = self.open()

    def open(self) -> Any:
        return rpc_pb2_grpc.WatchStub(self.channel).Watch()

    async def put(self, key: bytes, value: bytes = b"") -> int:
        return int((await self.kv.Put(pb.PutRequest(key=key, value=value))).header.revision)

    async def delete(self, key: bytes) -> int:
        return int((await self.kv.DeleteRange(pb.DeleteRangeRequest(key=key))).header.revision)

    async def say(self, **request: Any) -> pb.WatchResponse:
        """Send one request and wait for what comes next."""
        await self.stream.write(pb.WatchRequest(**request))
        return await self.hear()

    async def hear(self) -> pb.WatchResponse:
        return await asyncio.wait_for(self.stream.read(), 60)

    async def events(self, count: int) -> list[tuple[int, kv_pb2.Event]]:
        """The next events, each with its watch."""
        found: list[tuple[int, kv_pb2.Event]] = []
        while len(found) < count:
            response = await self.hear()
            found += [(response.watch_id, event) for event in response.events]
        return found


@pytest.fixture(params=["ours", "etcd"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    address = request.getfixturevalue("store_address" if request.param == "ours" else "etcd_address")
    async with grpc.aio.insecure_channel(address) as channel:
        server = Server(channel)
        await server.kv.DeleteRange(pb.DeleteRangeRequest(key=b"\0", range_end=b"\0"))
        yield server
        server.stream.cancel()


async def test_many_watches_share_a_stream_and_each_hears_its_own(server: Server) -> None:
    created = [
        await server.say(create_request=Create(key=b"a")),
        await server.say(create_request=Create(key=b"a", range_end=b"c")),
        await server.say(create_request=Create(key=b"z", watch_id=42)),
    ]
    assert [(response.created, response.watch_id) for response in created] == [(True, 0), (True, 1), (True, 42)]
    for key in (b"a", b"b", b"z", b"y"):
        await server.put(key)
    heard = {(watch_id, event.kv.key) for watch_id, event in await server.events(4)}
    assert heard == {(0, b"a"), (1, b"a"), (1, b"b"), (42, b"z")}


async def test_an_id_that_is_taken_is_refused(server: Server) -> None:
    await server.say(create_request=Create(key=b"a", watch_id=7))
    refused = await server.say(create_request=Create(key=b"b", watch_id=7))
    assert (refused.created, refused.canceled, refused.watch_id) == (True, True, -1)
    assert "duplicate watch ID" in refused.cancel_reason


async def test_filters_leave_out_puts_or_deletions(server: Server) -> None:
    await server.say(create_request=Create(key=b"a", filters=[Create.NOPUT]))
    await server.say(create_request=Create(key=b"a", filters=[Create.NODELETE]))
    await server.put(b"a")
    await server.delete(b"a")
    heard = {(watch_id, event.type) for watch_id, event in await server.events(2)}
    assert heard == {(0, kv_pb2.Event.DELETE), (1, kv_pb2.Event.PUT)}


async def test_previous_values_come_to_who_asked(server: Server) -> None:
    start = await server.put(b"a", b"1")
    await server.put(b"a", b"2")
    await server.say(create_request=Create(key=b"a", start_revision=start, prev_kv=True))
    told = [(event.kv.value, event.prev_kv.value) for _, event in await server.events(2)]
    await server.say(cancel_request=pb.WatchCancelRequest(watch_id=0))
    await server.say(create_request=Create(key=b"a", start_revision=start))
    untold = [(event.kv.value, event.HasField("prev_kv")) for _, event in await server.events(2)]
    assert told == [(b"1", b""), (b"2", b"1")] and untold == [(b"1", False), (b"2", False)]


async def test_a_cancelled_watch_hears_no_more_and_the_others_do(server: Server) -> None:
    await server.say(create_request=Create(key=b"a"))
    await server.say(create_request=Create(key=b"b"))
    cancelled = await server.say(cancel_request=pb.WatchCancelRequest(watch_id=0))
    assert (cancelled.canceled, cancelled.watch_id) == (True, 0)
    await server.put(b"a")
    await server.put(b"b")
    assert [watch_id for watch_id, _ in await server.events(1)] == [1]


async def test_progress_comes_when_it_is_asked_for(server: Server) -> None:
    await server.say(create_request=Create(key=b"a"))
    newest = await server.put(b"elsewhere")
    progress = await server.say(progress_request=pb.WatchProgressRequest())
    assert (progress.watch_id, progress.header.revision, len(progress.events)) == (-1, newest, 0)


async def test_a_compacted_start_cancels_the_watch_and_says_what_is_there(server: Server) -> None:
    start = await server.put(b"a")
    newest = await server.put(b"a")
    await server.put(b"a")
    await server.kv.Compact(pb.CompactionRequest(revision=newest))
    created = await server.say(create_request=Create(key=b"a", start_revision=start))
    gone = await server.hear()
    assert (created.created, created.canceled) == (True, False)
    assert (gone.canceled, gone.compact_revision, gone.watch_id) == (True, newest, created.watch_id)


async def test_a_client_that_has_no_more_to_say_still_hears(server: Server) -> None:
    await server.say(create_request=Create(key=b"a"))
    await server.stream.done_writing()
    await server.put(b"a")
    assert len(await server.events(1)) == 1


async def test_a_client_that_does_not_read_holds_nobody_up_and_misses_nothing(server: Server) -> None:
    deaf = server.open()
    await deaf.write(pb.WatchRequest(create_request=Create(key=b"a", range_end=b"b")))
    assert (await deaf.read()).created
    await server.say(create_request=Create(key=b"a", range_end=b"b"))
    value = b"x" * 100_000
    for n in range(100):
        await server.put(b"a%d" % n, value)
        [(_, event)] = await server.events(1)
        assert event.kv.key == b"a%d" % n
    heard: list[bytes] = []
    while len(heard) < 100:
        heard += [event.kv.key for event in (await asyncio.wait_for(deaf.read(), 60)).events]
    assert heard == [b"a%d" % n for n in range(100)]
    deaf.cancel()
