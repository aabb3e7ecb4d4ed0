"""One Watch stream: its requests come in, the events of all its watches go out in turn.

Nothing is queued for a client that does not read: a watch is a cursor (store.watch), and what this side remembers is
which of them have something to send. Each turn takes a bounded portion of one watch, so that a long replay does not
keep the others waiting. The events are encoded once for all streams that share a delivery, and appended to the few
bytes that are this watch's own: a protobuf message may be sent as the concatenation of its parts.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from podling.pb.store import rpc_pb2
from podling.storage import Change
from store.engine import Engine
from store.errors import CompactedRevision
from store.translate import events_bytes
from store.watch import ALL_CHANGES, Delivery, Span, Watcher

EVERY_WATCH = -1
DUPLICATE_ID = "mvcc: duplicate watch ID provided"
PROGRESS_SECONDS = 5.0
_TAKE_EVENTS = 500
_TAKE_BYTES = 1 << 20

_FILTERED = {
    rpc_pb2.WatchCreateRequest.NOPUT: Change.PUT,
    rpc_pb2.WatchCreateRequest.NODELETE: Change.DELETE,
}


class _Watch:
    """`told` is the revision up to which the client knows everything; `rest` was taken and not yet sent."""

    __slots__ = ("notify", "previous", "rest", "told", "watch_id", "watcher")

    def __init__(self, watch_id: int, previous: bool, notify: bool) -> None:
        self.watch_id = watch_id
        self.previous = previous
        self.notify = notify
        self.rest: deque[Delivery] = deque()
        self.told = 0
        self.watcher: Watcher


class WatchStream:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches: dict[int, _Watch] = {}
        self._ready: dict[int, None] = {}
        self._control: deque[bytes] = deque()
        self._stirred = asyncio.Event()
        self._progress_asked = False
        self._next_id = 0
        self._header = rpc_pb2.ResponseHeader(
            cluster_id=engine.cluster, member_id=engine.member, raft_term=engine.term
        ).SerializeToString()

    async def answer(self, requests: AsyncIterator[rpc_pb2.WatchRequest]) -> AsyncIterator[bytes]:
        """Encoded WatchResponses until the client has gone. Raises nothing of ours."""
        reading = asyncio.create_task(self._read(requests), name="watch requests")
        notifying = asyncio.create_task(self._notify_forever(), name="watch progress")
        try:
            while True:
                while self._control:
                    yield self._control.popleft()
                for watch_id in list(self._ready):
                    watch = self._watches.get(watch_id)
                    self._ready.pop(watch_id, None)
                    message = self._next_message(watch) if watch else None
                    if message is not None:
                        yield message
                if self._progress_asked and not self._ready and not self._control:
                    self._progress_asked = False
                    yield self._progress(EVERY_WATCH, self._engine.revision)
                if self._ready or self._control:
                    continue
                self._stirred.clear()
                await self._stirred.wait()
        finally:
            reading.cancel()
            notifying.cancel()
            await asyncio.gather(reading, notifying, return_exceptions=True)
            for watch in self._watches.values():
                watch.watcher.close()

    async def _read(self, requests: AsyncIterator[rpc_pb2.WatchRequest]) -> None:
        """Until the client says no more; its watches go on. When it is gone, gRPC cancels `answer`."""
        async for request in requests:
            match request.WhichOneof("request_union"):
                case "create_request":
                    self._create(request.create_request)
                case "cancel_request":
                    self._cancel(request.cancel_request.watch_id)
                case "progress_request":
                    self._progress_asked = True
            self._stirred.set()

    def _create(self, request: rpc_pb2.WatchCreateRequest) -> None:
        watch_id = request.watch_id or self._free_id()
        if watch_id in self._watches:
            self._deny(DUPLICATE_ID)
            return
        if request.start_revision < 0:
            self._deny(CompactedRevision.text)
            return
        watch = _Watch(watch_id, request.prev_kv, request.progress_notify)
        changes = ALL_CHANGES - {_FILTERED[each] for each in request.filters}
        span = Span(request.key or b"\0", request.range_end, changes)
        watch.watcher = self._engine.watch(span, request.start_revision, lambda: self._stir(watch_id))
        watch.told = watch.watcher.revision
        self._watches[watch_id] = watch
        self._say(rpc_pb2.WatchResponse(watch_id=watch_id, created=True))
        self._ready[watch_id] = None

    def _deny(self, reason: str) -> None:
        self._say(rpc_pb2.WatchResponse(watch_id=EVERY_WATCH, created=True, canceled=True, cancel_reason=reason))

    def _free_id(self) -> int:
        while self._next_id in self._watches:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _cancel(self, watch_id: int) -> None:
        watch = self._watches.pop(watch_id, None)
        if watch is not None:
            watch.watcher.close()
            self._say(rpc_pb2.WatchResponse(watch_id=watch_id, canceled=True))

    def _stir(self, watch_id: int) -> None:
        self._ready[watch_id] = None
        self._stirred.set()

    def _say(self, response: rpc_pb2.WatchResponse) -> None:
        response.header.MergeFromString(self._header)
        response.header.revision = self._engine.revision
        self._control.append(response.SerializeToString())

    def _next_message(self, watch: _Watch) -> bytes | None:
        """The next portion of a watch, which stays ready until it has no more."""
        rest = watch.rest
        if not rest:
            try:
                rest.extend(watch.watcher.take(_TAKE_EVENTS))
            except CompactedRevision as error:
                self._overtaken(watch, error.compact_revision)
        if not rest:
            return None
        parts, size = [b""], 0
        while rest and size < _TAKE_BYTES:
            delivery = rest.popleft()
            encoded = delivery.encoded.get(watch.previous)
            if encoded is None:
                encoded = delivery.encoded[watch.previous] = events_bytes(delivery.events, watch.previous)
            parts.append(encoded)
            size += len(encoded)
            watch.told = delivery.revision
        parts[0] = self._progress(watch.watch_id, watch.told)
        self._ready[watch.watch_id] = None
        return b"".join(parts)

    def _overtaken(self, watch: _Watch, compact_revision: int) -> None:
        watch.watcher.close()
        del self._watches[watch.watch_id]
        self._say(rpc_pb2.WatchResponse(watch_id=watch.watch_id, canceled=True, compact_revision=compact_revision))

    def _progress(self, watch_id: int, revision: int) -> bytes:
        response = rpc_pb2.WatchResponse(watch_id=watch_id)
        response.header.MergeFromString(self._header)
        response.header.revision = revision
        return response.SerializeToString()

    async def _notify_forever(self) -> None:
        """Tell idle watches that asked for it how far the store has come, where it has come further."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            for watch in self._watches.values():
                if watch.notify and watch.watcher.parked and watch.told < watch.watcher.revision:
                    watch.told = watch.watcher.revision
                    self._control.append(self._progress(watch.watch_id, watch.told))
                    self._stirred.set()
