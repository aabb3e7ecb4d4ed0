"""Calls to the kubelets: one channel a node, kept while the node listens where it did."""

import asyncio
from typing import Any

import grpc
import grpc.aio

from apiserver.config import Config
from apiserver.lister import Lister
from apiserver.refusal import Unexplained
from apiserver.streams.target import Node, kubelet_of
from podling.api.errors import ApiError, BadRequest, GroupResource, InternalError, NotFound
from podling.pb.node import node_pb2_grpc

NODES = GroupResource("", "nodes")
BEGIN_SECONDS = 3.0
UNREACHABLE = ("failed to connect to all addresses", "Failed to connect to remote host", "Socket closed")

# A kubelet that comes back is found again within a second.
_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
]


class Kubelets:
    """Both sides show certificates of the cluster's CA; the kubelet's names its node."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._channels: dict[str, tuple[Node, Any]] = {}

    def _load(self, config: Config) -> Any:
        if self._credentials is None:
            self._credentials = grpc.ssl_channel_credentials(
                config.client_ca.read_bytes(),
                config.kubelet_client_key.read_bytes(),
                config.kubelet_client_cert.read_bytes(),
            )
        return self._credentials

    async def stub(self, config: Config, node: Node) -> Any:
        known = self._channels.get(node.name)
        if known is not None and known[0] == node:
            return node_pb2_grpc.NodeStub(known[1])
        if known is not None:
            await known[1].close()
        channel = grpc.aio.secure_channel(
            f"{node.address}:{node.port}",
            self._load(config),
            options=[*_OPTIONS, ("grpc.ssl_target_name_override", node.name)],
        )
        self._channels[node.name] = (node, channel)
        return node_pb2_grpc.NodeStub(channel)

    async def find(self, lister: Lister, config: Config, name: str) -> tuple[Node, Any]:
        """The node and a stub of its kubelet; raises ApiError."""
        found = lister.get(NODES, "", name)
        if found is None:
            raise Unexplained(f'nodes "{name}" not found')
        node = kubelet_of(found)
        return node, await self.stub(config, node)

    async def close(self) -> None:
        for _, channel in self._channels.values():
            await channel.close()
        self._channels.clear()


def words_of(code: grpc.StatusCode, words: str, node: Node) -> str:
    """The kubelet's own, or why it cannot be reached."""
    if not _unreachable(code, words):
        return words
    why = "connect: connection refused" if "refused" in words else words
    return f"error dialing backend: dial tcp {node.address}:{node.port}: {why}"


def _unreachable(code: grpc.StatusCode, words: str) -> bool:
    return code is grpc.StatusCode.UNAVAILABLE and any(known in words for known in UNREACHABLE)


def refusal(code: grpc.StatusCode, words: str, node: Node) -> ApiError:
    """What the client is told of a kubelet's refusal, or of a kubelet that cannot be reached."""
    if _unreachable(code, words):
        return Unexplained(words_of(code, words, node))
    match code:
        case grpc.StatusCode.NOT_FOUND:
            return NotFound(words)
        case grpc.StatusCode.FAILED_PRECONDITION | grpc.StatusCode.INVALID_ARGUMENT:
            return BadRequest(words)
        case _:
            return InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})


def broken(code: grpc.StatusCode, words: str, node: Node) -> ApiError:
    """The same of a call that had begun: the command may go on where it runs."""
    if _unreachable(code, words):
        return InternalError(f"Internal error occurred: the connection to the kubelet of node {node.name} was lost")
    return refusal(code, words, node)


async def begun(call: Any, node: Node, seconds: float | None = BEGIN_SECONDS) -> None:
    """Until the kubelet has taken the call on (its first metadata say so); raises what it refused with."""
    started = asyncio.ensure_future(call.initial_metadata())
    try:
        await asyncio.wait((started,), timeout=seconds)
        if call.done() and await call.code() is not grpc.StatusCode.OK:
            raise refusal(await call.code(), await call.details(), node)
    finally:
        started.cancel()
        await asyncio.gather(started, return_exceptions=True)
