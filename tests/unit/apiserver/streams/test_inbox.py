import asyncio

from apiserver.streams.inbox import MOST_BYTES, Inbox, Resize, Stdin
from apiserver.streams.pipe import Pipe


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
    async with asyncio.timeout(5):
        await asyncio.gather(*held)
    assert [chunk async for chunk in pipe.chunks()] == []
