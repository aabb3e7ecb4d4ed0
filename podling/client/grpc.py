"""`Client` over the API server's gRPC face (proto/podling/pb/cluster/cluster.proto).

All single calls share one bidirectional stream: a message on it costs about a quarter of a unary call. When the stream
breaks, every call that waits gets `ServiceUnavailable`, and the next call opens a new one; nothing is sent twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import grpc
import msgspec

from podling.api import errors
from podling.client.client import MERGE, Changed, Data, Discovered, Listed, Served
from podling.client.codec import decode, encode
from podling.client.resource import Partial, Resource
from podling.pb.cluster import cluster_pb2 as pb
from podling.pb.cluster.cluster_pb2_grpc import ClusterStub

log = logging.getLogger(__name__)
T = TypeVar("T")
PAGE = 500
MOST_BYTES = 64 << 20
CALL_SECONDS = 30.0
OPTIONS = [
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_send_message_length", MOST_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
]


def dial(target: str, ca: bytes, cert: bytes, key: bytes, server_name: str = "") -> grpc.aio.Channel:
    """A channel with a client certificate; `target` is host:port, `server_name` what the server's certificate says."""
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    options = [*OPTIONS, ("grpc.ssl_target_name_override", server_name)] if server_name else OPTIONS
    return grpc.aio.secure_channel(target, credentials, options)


class GrpcClient:
    """Owns the channel; `close` ends it."""

    def __init__(self, channel: grpc.aio.Channel, manager: str = "") -> None:
        self._channel, self._manager = channel, manager
        self._stub = ClusterStub(channel)
        self._stream: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[pb.Reply]] = {}
        self._last_id = 0
        self._writing = asyncio.Lock()

    async def get(self, of: Resource[T], name: str, namespace: str = "", *, subresource: str = "") -> T:
        return decode((await self._call(pb.GET, _target(of, namespace, name, subresource))).body, of.type)

    async def list(self, of: Resource[T], namespace: str = "", *, labels: str = "", fields: str = "") -> Listed[T]:
        options = _selectors(labels, fields) | {"limit": str(PAGE)}
        items: list[T] = []
        while True:
            reply = await self._call(pb.LIST, _target(of, namespace), options)
            items += [item for data in reply.items if (item := _readable(data, of)) is not None]
            if not getattr(reply, "continue"):
                return Listed(items, reply.resource_version)
            options = options | {"continue": getattr(reply, "continue")}

    async def watch(
        self, of: Resource[T], resource_version: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> AsyncIterator[Changed[T]]:
        options = _selectors(labels, fields) | {"resourceVersion": resource_version, "allowWatchBookmarks": "true"}
        call = self._stub.Watch(pb.WatchRequest(target=_target(of, namespace), options=options))
        try:
            async for reply in call:
                for event in reply.events:
                    if event.type == "ERROR":
                        raise errors.from_status(msgspec.json.decode(event.object))
                    if (item := _readable(event.object, of)) is not None:
                        yield Changed(event.type, item)
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        finally:
            call.cancel()

    async def create(
        self, of: Resource[T], data: Data, namespace: str = "", *, name: str = "", subresource: str = ""
    ) -> T:
        reply = await self._call(pb.CREATE, _target(of, namespace, name, subresource), body=encode(data))
        return decode(reply.body, of.type)

    async def update(self, of: Resource[T], data: Data, *, subresource: str = "") -> T:
        metadata = data["metadata"]
        target = _target(of, metadata.get("namespace", ""), metadata["name"], subresource)
        return decode((await self._call(pb.UPDATE, target, body=encode(data))).body, of.type)

    async def patch(
        self, of: Resource[T], name: str, patch: Any, namespace: str = "", *, type: str = MERGE, subresource: str = ""
    ) -> T:
        target = _target(of, namespace, name, subresource)
        reply = await self._call(pb.PATCH, target, body=encode(patch), content_type=type)
        return decode(reply.body, of.type)

    async def delete(
        self,
        of: Resource[T],
        name: str,
        namespace: str = "",
        *,
        grace_seconds: int | None = None,
        uid: str = "",
        propagation: str = "",
    ) -> None:
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        if propagation:
            options["propagationPolicy"] = propagation
        await self._call(pb.DELETE, _target(of, namespace, name), body=encode(options))

    async def delete_collection(self, of: Resource[T], namespace: str) -> None:
        await self._call(pb.DELETE_COLLECTION, _target(of, namespace))

    async def discover(self) -> Discovered:
        try:
            reply = await self._stub.Discover(pb.DiscoverRequest(), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _error(error) from error
        served = [
            Served(
                Resource(each.group, each.version, each.resource, each.kind, Partial, each.namespaced),
                frozenset(each.verbs),
                frozenset(each.subresources),
            )
            for each in reply.resources
        ]
        return Discovered(served, list(reply.stale))

    async def close(self) -> None:
        if self._reader:
            self._reader.cancel()
        await self._channel.close()

    async def _call(
        self,
        verb: pb.Verb,
        target: pb.Target,
        options: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
        content_type: str = "",
    ) -> pb.Reply:
        self._last_id += 1
        options = dict(options or {})
        if self._manager and verb in (pb.CREATE, pb.UPDATE, pb.PATCH):
            options["fieldManager"] = self._manager
        request = pb.Request(
            id=self._last_id, verb=verb, target=target, options=options, body=body, content_type=content_type
        )
        reply = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = reply
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._send(request)
                answer: pb.Reply = await reply
        except TimeoutError:
            raise errors.Timeout(f"the API server did not answer within {CALL_SECONDS:.0f}s") from None
        except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
            raise errors.ServiceUnavailable(f"the API server cannot be reached: {error}") from error
        finally:
            self._waiting.pop(request.id, None)
            if reply.done() and not reply.cancelled():
                reply.exception()  # a call that failed while it was sent has been told already
        if answer.code >= 400:
            raise errors.from_status(msgspec.json.decode(answer.body))
        return answer

    async def _send(self, request: pb.Request) -> None:
        async with self._writing:  # gRPC allows one write at a time on a stream
            if self._stream is None or self._stream.done():
                self._stream = self._stub.Stream()
                self._reader = asyncio.ensure_future(self._read(self._stream))
            await self._stream.write(request)

    async def _read(self, stream: Any) -> None:
        problem: Exception = errors.ServiceUnavailable("the API server closed the stream")
        try:
            async for reply in stream:
                waiter = self._waiting.get(reply.id)
                if waiter and not waiter.done():
                    waiter.set_result(reply)
        except grpc.aio.AioRpcError as error:
            problem = _error(error)
        finally:
            stream.cancel()
            for waiter in self._waiting.values():
                if not waiter.done():
                    waiter.set_exception(problem)


def _target(of: Resource[Any], namespace: str = "", name: str = "", subresource: str = "") -> pb.Target:
    return pb.Target(
        group=of.group, version=of.version, resource=of.plural, namespace=namespace, name=name, subresource=subresource
    )


def _readable(data: bytes, of: Resource[T]) -> T | None:
    """One object that somebody wrote without a field that its type requires must not hide all the others."""
    try:
        return decode(data, of.type)
    except msgspec.ValidationError as error:
        log.warning("object left out resource=%s error=%s object=%.200s", of.plural, error, data)
        return None


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}


def _error(error: grpc.aio.AioRpcError) -> errors.ApiError:
    code = error.code().name
    kind = next((kind for kind in errors.BY_REASON.values() if kind.grpc == code), errors.ServiceUnavailable)
    return kind(error.details() or code)
