"""kubectl exec and attach: the client's channels on one side, the kubelet's call on the other."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import grpc.aio
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.request import Request
from apiserver.streams import command_status, socket_channels, spdy_channels, target
from apiserver.streams.channels import Channels, Gone
from apiserver.streams.inbox import Inbox, Input, Resize, Stdin
from apiserver.streams.kubelets import begun, broken
from apiserver.streams.session import SpdySession
from apiserver.streams.socket_channels import SocketChannels
from apiserver.streams.target import Node
from apiserver.streams.upgrade import Upgrade, open_socket, open_spdy, wanted_upgrade
from podling.api.errors import BadRequest, GroupResource, NotFound, not_found
from podling.pb.node import node_pb2 as pb

log = logging.getLogger(__name__)

PODS = GroupResource("", "pods")


async def exec_(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    command = request.decoded.get("command")
    if not command:
        raise BadRequest("you must specify a command")
    return await _serve(http, context, request, command)


async def attach(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    return await _serve(http, context, request, [])


async def _serve(http: BaseRequest, context: Context, request: Request, command: list[str]) -> web.StreamResponse:
    start, node_name = _start(context, request, command)
    upgrade = wanted_upgrade(http, spdy_channels.PROTOCOLS, socket_channels.PROTOCOLS)
    node, stub = await context.kubelets.find(context.lister, context.config, node_name)
    call = stub.Exec() if command else stub.Attach()
    try:
        with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # a refusal is told by `begun`
            await call.write(pb.StreamInput(start=start))
        try:
            await begun(call, node)
        except (NotFound, BadRequest) as refused:  # in a kubelet's plain text: kubectl tells what it could not upgrade
            return web.Response(status=500, text=refused.message)
        return await _connect(http, upgrade, start, call, node)
    finally:
        call.cancel()


def _start(context: Context, request: Request, command: Iterable[str]) -> tuple[pb.StreamStart, str]:
    """What is asked of the kubelet, and of which node's."""
    asked, options = request.attributes, request.decoded
    pod = context.lister.get(PODS, asked.namespace, asked.name)
    if pod is None:
        raise not_found(PODS, asked.name)
    container = target.container_of(pod, options.get("container", ""))
    node_name = target.node_name(pod)
    wants = {name: bool(options.get(name)) for name in ("stdin", "stdout", "stderr", "tty")}
    if not (wants["stdin"] or wants["stdout"] or wants["stderr"]):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if wants["tty"]:
        wants["stderr"] = False  # a terminal has one output
    meta = pod["metadata"]
    ref = pb.ContainerRef(namespace=meta["namespace"], pod=meta["name"], uid=meta["uid"], container=container)
    return pb.StreamStart(container=ref, command=command, **wants), node_name


async def _connect(
    http: BaseRequest, upgrade: Upgrade, start: pb.StreamStart, call: Any, node: Node
) -> web.StreamResponse:
    if upgrade.spdy:
        wire, answer = open_spdy(http, upgrade)
        version = spdy_channels.version_of(upgrade.protocol)
        async with SpdySession(wire) as session:
            with suppress(Gone, TimeoutError, ConnectionError):
                channels = await spdy_channels.accept(session, _streams(start, version), version)
                await _bridge(channels, call, node)
        return answer
    socket = await open_socket(http, upgrade)
    terminal = SocketChannels(socket, upgrade.protocol)
    with suppress(Gone, ConnectionError):
        written = (socket_channels.STDOUT, start.stdout), (socket_channels.STDERR, start.stderr)
        await terminal.greet(next((number for number, wanted in written if wanted), socket_channels.ERROR))
        await _bridge(terminal, call, node)
        await socket.close()
    return socket


def _streams(start: pb.StreamStart, version: int) -> set[str]:
    """The streams that the client will open."""
    names = {name for name in ("stdin", "stdout", "stderr") if getattr(start, name)}
    return names | {"error"} | ({"resize"} if start.tty and version >= 3 else set())


async def _bridge(channels: Channels, call: Any, node: Node) -> None:
    """Both directions until the command ends, or the client is gone."""
    inbox = Inbox()
    outward = asyncio.create_task(_outward(channels, call, node), name="stream out")
    receiving = asyncio.create_task(channels.receive(inbox), name="stream received")
    tasks = (outward, receiving, asyncio.create_task(_inward(inbox, call), name="stream in"))
    try:
        await asyncio.wait((outward, receiving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for wrong in ended:
        if isinstance(wrong, Exception):
            raise wrong


async def _inward(inbox: Inbox, call: Any) -> None:
    with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # the command has ended: `_outward` tells how
        while True:
            for item in await inbox.take():
                await call.write(_message(item))


def _message(item: Input) -> pb.StreamInput:
    match item:
        case Stdin(b""):
            return pb.StreamInput(stdin_closed=True)
        case Stdin(data):
            return pb.StreamInput(stdin=data)
        case Resize(width, height):
            return pb.StreamInput(resize=pb.TerminalSize(width=width, height=height))


async def _outward(channels: Channels, call: Any, node: Node) -> None:
    try:
        while (output := await call.read()) is not grpc.aio.EOF:
            match output.WhichOneof("output"):
                case "stdout":
                    await channels.stdout(output.stdout)
                case "stderr":
                    await channels.stderr(output.stderr)
                case "exit":
                    await channels.finish(command_status.exited(output.exit.code, output.exit.error))
                    return
        code, words = await call.code(), await call.details()
    except grpc.aio.AioRpcError as error:
        code, words = error.code(), error.details() or ""
    failed = broken(code, words, node)  # it ended without a last word
    await channels.finish(command_status.failed(failed.message, failed.reason, failed.code))
