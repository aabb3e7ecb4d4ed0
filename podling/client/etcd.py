"""`podling.storage.Storage` over any etcd v3: a store of ours, or a real etcd cluster.

Endpoints are tried in turn: whenever one cannot be reached, the call fails with `StorageUnavailable` and the next
call goes to the next one. A write is never sent twice by itself, since the first may have happened.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from itertools import groupby
from typing import Any, TypeVar

import grpc

from podling.loop.service import Tls
from podling.pb.store import kv_pb2, rpc_pb2, rpc_pb2_grpc
from podling.storage import (
    Batch,
    Change,
    Compacted,
    Delete,
    Event,
    FutureRevision,
    If,
    KeyValue,
    LeaseNotFound,
    Put,
    Range,
    StorageError,
    StorageUnavailable,
    Written,
)

CALL_SECONDS = 15.0
PROGRESS_SECONDS = 5.0
_PROGRESS_SINCE = ((3, 4, 25), (3, 5, 8))
"""The releases of 3.4 and 3.5 whose answer to a progress request never runs ahead of its events (etcd issue 15220)."""

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 20000),
    ("grpc.keepalive_timeout_ms", 5000),
]

T = TypeVar("T")


class _Endpoint:
    """One server and the stubs that dial it."""

    def __init__(self, url: str, tls: Tls | None) -> None:
        scheme, mark, rest = url.partition("://")
        target = rest if mark else url
        if tls is not None:
            ca, certificate, key = tls.read()
            credentials = grpc.ssl_channel_credentials(ca, key, certificate)
            self.channel = grpc.aio.secure_channel(target, credentials, options=_OPTIONS)
        elif scheme == "https" and mark:
            self.channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=_OPTIONS)
        else:
            self.channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self.kv = rpc_pb2_grpc.KVStub(self.channel)
        self.watch = rpc_pb2_grpc.WatchStub(self.channel)
        self.lease = rpc_pb2_grpc.LeaseStub(self.channel)
        self.maintenance = rpc_pb2_grpc.MaintenanceStub(self.channel)
        self.tells_progress: bool | None = None


class EtcdStorage:
    """`endpoints` are host:port, http://host:port, https://host:port or unix:/path."""

    def __init__(self, endpoints: Sequence[str], tls: Tls | None = None) -> None:
        if not endpoints:
            raise ValueError("no etcd endpoints given")
        self._endpoints = [_Endpoint(url, tls) for url in endpoints]
        self._current = 0
        self._closed = False

    @property
    def _endpoint(self) -> _Endpoint:
        return self._endpoints[self._current]

    async def get(self, key: bytes, revision: int = 0) -> Range:
        return await self._range(rpc_pb2.RangeRequest(key=key, revision=revision))

    async def range(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = 0, keys_only: bool = False
    ) -> Range:
        return await self._range(
            rpc_pb2.RangeRequest(key=start, range_end=end, revision=revision, limit=limit, keys_only=keys_only)
        )

    async def count(self, start: bytes, end: bytes) -> int:
        return (await self._range(rpc_pb2.RangeRequest(key=start, range_end=end, count_only=True))).total

    async def _range(self, request: rpc_pb2.RangeRequest) -> Range:
        answer = await self._call(lambda end: end.kv.Range(request, timeout=CALL_SECONDS))
        return Range([_key_value(kv) for kv in answer.kvs], answer.count, answer.header.revision)

    async def write(self, condition: If | None, change: Put | Delete) -> Written:
        if isinstance(change, Put):
            put = rpc_pb2.PutRequest(key=change.key, value=change.value, lease=change.lease)
            operation = rpc_pb2.RequestOp(request_put=put)
        else:
            delete = rpc_pb2.DeleteRangeRequest(key=change.key)
            operation = rpc_pb2.RequestOp(request_delete_range=delete)
        request = rpc_pb2.TxnRequest(success=[operation])
        if condition is not None:
            request.compare.add(
                result=rpc_pb2.Compare.EQUAL,
                target=rpc_pb2.Compare.MOD,
                key=condition.key,
                mod_revision=condition.mod_revision,
            )
            request.failure.add(request_range=rpc_pb2.RangeRequest(key=condition.key))
        answer = await self._call(lambda end: end.kv.Txn(request, timeout=CALL_SECONDS))
        found = [] if answer.succeeded else answer.responses[0].response_range.kvs
        return Written(answer.succeeded, answer.header.revision, _key_value(found[0]) if found else None)

    async def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Batch, None]:
        create = rpc_pb2.WatchCreateRequest(
            key=start, range_end=end, start_revision=from_revision, prev_kv=True, progress_notify=True
        )
        endpoint = self._endpoint
        tells_progress = await self._tells_progress(endpoint)
        stream = endpoint.watch.Watch()
        asking = None
        try:
            await self._stream(stream.write(rpc_pb2.WatchRequest(create_request=create)))
            if tells_progress:
                asking = asyncio.create_task(_ask_progress(stream), name="etcd watch progress")
            while (response := await self._stream(stream.read())) is not grpc.aio.EOF:
                for batch in _batches(response):
                    yield batch
            raise StorageUnavailable("the watch was ended by the server")
        except _Closed:
            return
        finally:
            stream.cancel()
            if asking:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _stream(self, step: Awaitable[T]) -> T:
        try:
            return await step
        except grpc.aio.AioRpcError as error:
            if self._closed:
                raise _Closed() from None
            self._turn(error)
            raise _translated(error) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise _Closed() from None
            raise

    async def _tells_progress(self, endpoint: _Endpoint) -> bool:
        if endpoint.tells_progress is None:
            status = await self._call(
                lambda _: endpoint.maintenance.Status(rpc_pb2.StatusRequest(), timeout=CALL_SECONDS)
            )
            endpoint.tells_progress = _tells_progress(status.version)
        return endpoint.tells_progress

    async def revision(self) -> int:
        request = rpc_pb2.RangeRequest(key=b"\0", count_only=True)
        answer = await self._call(lambda end: end.kv.Range(request, timeout=CALL_SECONDS))
        return int(answer.header.revision)

    async def compact(self, revision: int) -> None:
        request = rpc_pb2.CompactionRequest(revision=revision)
        await self._call(lambda end: end.kv.Compact(request, timeout=CALL_SECONDS))

    async def lease(self, seconds: int) -> int:
        request = rpc_pb2.LeaseGrantRequest(TTL=seconds)
        answer = await self._call(lambda end: end.lease.LeaseGrant(request, timeout=CALL_SECONDS))
        return int(answer.ID)

    async def revoke(self, lease: int) -> None:
        request = rpc_pb2.LeaseRevokeRequest(ID=lease)
        await self._call(lambda end: end.lease.LeaseRevoke(request, timeout=CALL_SECONDS))

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(endpoint.channel.close() for endpoint in self._endpoints))

    async def _call(self, call: Callable[[_Endpoint], Awaitable[Any]]) -> Any:
        if self._closed:
            raise StorageUnavailable("the client is closed")
        try:
            return await call(self._endpoint)
        except grpc.aio.AioRpcError as error:
            self._turn(error)
            translated = _translated(error)
        if isinstance(translated, Compacted):
            translated = Compacted(await self._compact_revision())
        raise translated

    def _turn(self, error: grpc.aio.AioRpcError) -> None:
        """Where the server is away, the next call goes to the next one."""
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            self._current = (self._current + 1) % len(self._endpoints)

    async def _compact_revision(self) -> int:
        """KV answers do not say it; a watch from the beginning is told."""
        try:
            async with asyncio.timeout(CALL_SECONDS), aclosing(self.watch(b"\0", b"", 1)) as oldest:
                await anext(oldest, None)
        except Compacted as error:
            return error.compact_revision
        except (StorageError, TimeoutError):
            pass
        return 0


class _Closed(Exception):
    """This client was closed under a watch."""


async def _ask_progress(stream: Any) -> None:
    request = rpc_pb2.WatchRequest(progress_request=rpc_pb2.WatchProgressRequest())
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            await stream.write(request)


def _tells_progress(version: str) -> bool:
    """Whether a server of this release answers progress requests rightly."""
    try:
        release = tuple(int(part) for part in version.partition("-")[0].split("."))
    except ValueError:
        return False
    return any(release[:2] == since[:2] and release >= since for since in _PROGRESS_SINCE) or release >= (3, 6)


def _batches(response: rpc_pb2.WatchResponse) -> list[Batch]:
    if response.compact_revision:
        raise Compacted(response.compact_revision)
    if response.canceled:
        raise StorageUnavailable(f"the watch was cancelled: {response.cancel_reason}")
    if response.created:
        return []
    if not response.events:
        return [Batch(response.header.revision, ())]
    return [
        Batch(revision, [_event(event) for event in events])
        for revision, events in groupby(response.events, key=lambda event: event.kv.mod_revision)
    ]


def _event(event: kv_pb2.Event) -> Event:
    change = Change.DELETE if event.type == kv_pb2.Event.DELETE else Change.PUT
    return Event(change, _key_value(event.kv), _key_value(event.prev_kv) if event.HasField("prev_kv") else None)


def _key_value(kv: kv_pb2.KeyValue) -> KeyValue:
    return KeyValue(kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version, kv.lease)


def _translated(error: grpc.aio.AioRpcError) -> StorageError:
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.OUT_OF_RANGE and "compacted" in details:
        return Compacted(0)
    if code is grpc.StatusCode.OUT_OF_RANGE and "future revision" in details:
        return FutureRevision(details)
    if code is grpc.StatusCode.NOT_FOUND and "lease" in details:
        return LeaseNotFound(details)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.OUT_OF_RANGE):
        return StorageError(details)
    return StorageUnavailable(f"{code.name}: {details}")
