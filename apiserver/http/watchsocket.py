"""A watch over a WebSocket, for browsers: each event is a text message; what the client says is not listened to.

Source: k8s.io/apiserver/pkg/endpoints/handlers/watch.go (HandleWS), k8s.io/apiserver/pkg/util/wsstream.
"""

import asyncio
import contextlib

from aiohttp import WSMsgType, web
from aiohttp.web_request import BaseRequest

from apiserver.aggregation import identity
from apiserver.answer import WatchAnswer
from apiserver.http.negotiate import Form
from apiserver.http.render import EventWriter
from apiserver.http.watchstream import STUCK_SECONDS, counted, failed, lines
from apiserver.objects.watchloop import told
from podling.api.errors import ApiError

OPEN = (WSMsgType.TEXT, WSMsgType.BINARY)


def is_asked(http: BaseRequest) -> bool:
    upgrades = "upgrade" in http.headers.get("Connection", "").lower()
    return upgrades and http.headers.get("Upgrade", "").lower() == "websocket"


async def send_watch(http: BaseRequest, found: WatchAnswer, form: Form, included: str) -> web.StreamResponse:
    offered = identity.protocols(http.headers.get("Sec-WebSocket-Protocol", ""))
    socket = web.WebSocketResponse(protocols=tuple(filter(None, offered.split(", "))), compress=False)
    with counted(found):
        await socket.prepare(http)
        listening = asyncio.create_task(_until_closed(socket, found), name="watch socket")
        try:
            await _tell(socket, found, EventWriter(found.kind, form, included))
        except (ConnectionError, TimeoutError):
            pass  # the client is gone
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    with contextlib.suppress(ConnectionError):
        await socket.close()
    return socket


async def _tell(socket: web.WebSocketResponse, found: WatchAnswer, writer: EventWriter) -> None:
    try:
        async for batch in told(found):
            for line in lines(writer, batch):
                async with asyncio.timeout(STUCK_SECONDS):
                    await socket.send_str(line.decode())
    except ApiError as error:
        await socket.send_str(failed(error).decode())


async def _until_closed(socket: web.WebSocketResponse, found: WatchAnswer) -> None:
    while (await socket.receive()).type in OPEN:
        continue
    found.watcher.cut()
