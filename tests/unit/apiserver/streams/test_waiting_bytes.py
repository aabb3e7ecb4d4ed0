import asyncio

from apiserver.streams.inbox import MOST_BYTES, Inbox, Resize, Stdin
from apiserver.streams.pipe import Pipe
from apiserver.streams.session import SpdySession
from apiserver.streams.spdy import Reset, Type
from apiserver.streams.spdy_headers import HeaderCodec


async def test_input_that_waits_together_is_joined_in_order() -> None:
    inbox = Inbox()
    for item in (Stdin(b"a"), Stdin(b"b"), Resize(80, 24), Stdin(b"c"), Stdin(b"")):
        await inbox.put(item)
    assert await inbox.take() == [Stdin(b"ab"), Resize(80, 24), Stdin(b"c"), Stdin(b"")]


async def test_a_full_inbox_holds_its_writer_until_it_is_emptied() -> None:
    inbox = Inbox()
    await inbox.put(Stdin(b"x" * MOST_BYTES))
    held = asyncio.ensure_future(inbox.put(Stdin(b"y")))
    await asyncio.sleep(0)
    assert not held.done()
    await inbox.take()
    await held
    assert await inbox.take() == [Stdin(b"y")]


async def test_a_pipe_gives_all_that_came_and_then_its_end() -> None:
    pipe = Pipe()
    for piece in (b"a", b"b"):
        await pipe.put(piece)
    pipe.end()
    assert [chunk async for chunk in pipe.chunks()] == [b"ab"]


async def test_a_closed_pipe_holds_nobody() -> None:
    pipe = Pipe()
    held = [asyncio.ensure_future(pipe.put(b"x" * (1 << 20))) for _ in range(2)]
    await asyncio.sleep(0)
    assert [each.done() for each in held] == [True, False]
    pipe.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*held)
    assert [chunk async for chunk in pipe.chunks()] == []


class StuckWire:
    """A client that sends, and never reads."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.reads = asyncio.Event()

    async def read(self) -> bytes:
        return await self.sent.get()

    async def write(self, data: bytes) -> None:
        await self.reads.wait()

    async def close(self) -> None:
        return


def frame(kind: Type, flags: int, body: bytes) -> bytes:
    return (0x80030000 | kind).to_bytes(4, "big") + (flags << 24 | len(body)).to_bytes(4, "big") + body


async def test_a_client_that_does_not_read_is_still_heard_when_it_resets_a_stream() -> None:
    wire, was_reset = StuckWire(), asyncio.Event()
    async with SpdySession(wire) as session, asyncio.timeout(60):
        headers = HeaderCodec().encode({"streamtype": "data"})
        wire.sent.put_nowait(frame(Type.SYN_STREAM, 0, (1).to_bytes(4, "big") + bytes(6) + headers))
        stream = await session.accept()
        assert stream is not None
        stream.when_reset = was_reset.set
        writing = asyncio.ensure_future(stream.write(b"x"))
        wire.sent.put_nowait(frame(Type.RST_STREAM, 0, (1).to_bytes(4, "big") + Reset.CANCEL.to_bytes(4, "big")))
        await was_reset.wait()
        wire.reads.set()
        await writing
        wire.sent.put_nowait(b"")
