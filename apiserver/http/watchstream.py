"""A watch over HTTP: a line of JSON an event, chunk by chunk, until its time is over or its client is gone."""

import asyncio
import contextlib
from collections.abc import Iterator

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.answer import WatchAnswer
from apiserver.http import headers, metrics
from apiserver.http.negotiate import Form
from apiserver.http.render import EventWriter
from apiserver.objects.cached import encode
from apiserver.objects.watchloop import Told, told
from podling.api.errors import ApiError

STUCK_SECONDS = 30.0  # a client that takes nothing for so long is gone
ROOM_BYTES = 1 << 16  # that a connection takes without waiting for its client


async def send_watch(http: BaseRequest, found: WatchAnswer, form: Form, included: str) -> web.StreamResponse:
    own = {"Content-Type": form.media, "Cache-Control": "no-cache, private"}
    response = web.StreamResponse(headers={**headers.remembered(http), **own})
    response.enable_chunked_encoding()
    with counted(found):
        try:
            await response.prepare(http)
            writer = EventWriter(found.kind, form, included)
            async for batch in told(found):
                data = b"".join(lines(writer, batch))
                if _room(http) > len(data):
                    await response.write(data)
                    continue
                async with asyncio.timeout(STUCK_SECONDS):
                    await response.write(data)
            await response.write_eof()
        except ApiError as error:
            await response.write(failed(error))
            await response.write_eof()
        except TimeoutError:
            if http.transport is not None:
                http.transport.abort()
        except ConnectionError:
            pass  # the client is gone, which is how most watches end
    return response


@contextlib.contextmanager
def counted(found: WatchAnswer) -> Iterator[None]:
    """While a watch lasts; then it is forgotten."""
    watches = metrics.WATCHES.labels(found.kind.plural)
    watches.inc()
    try:
        yield
    finally:
        found.feed.forget(found.kind, found.watcher)
        watches.dec()


def lines(writer: EventWriter, batch: Told) -> list[bytes]:
    told = [writer.line(event) for event in batch.events]
    return told if batch.bookmark is None else [*told, writer.bookmark(batch.bookmark)]


def failed(error: ApiError) -> bytes:
    """The last line of a watch that cannot go on: a webhook does not convert, say."""
    return b'{"type":"ERROR","object":%s}\n' % encode(error.status())


def _room(http: BaseRequest) -> int:
    """What may be written without waiting: then nobody need look at the clock."""
    return ROOM_BYTES - http.transport.get_write_buffer_size() if http.transport else 0
