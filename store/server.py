"""etcd's services over an engine, one method an RPC.

KV           Range Put DeleteRange Txn Compact
Watch        Watch (store.stream)
Lease        LeaseGrant LeaseRevoke LeaseKeepAlive LeaseTimeToLive LeaseLeases
Cluster      MemberList
Maintenance  Alarm Status Defragment Hash HashKV Snapshot (store.snapshot)
"""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import grpc

from podling.pb.store import rpc_pb2, rpc_pb2_grpc
from podling.storage import LeaseNotFound, StorageError
from store import translate
from store.engine import Engine
from store.errors import MAX_REQUEST_BYTES, TooLarge
from store.snapshot import snapshot

VERSION = "3.5.21"
"""The etcd release whose API this is; clients choose what they ask by it."""

Context: TypeAlias = grpc.aio.ServicerContext
Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


async def refuse(context: Context, error: StorageError) -> None:
    """End an RPC with the status that etcd gives."""
    code = getattr(grpc.StatusCode, getattr(error, "grpc", "UNAVAILABLE"))
    await context.abort(code, getattr(error, "text", str(error)))


def refusing(method: Method) -> Method:
    """A method whose `StorageError` becomes a gRPC status."""

    @wraps(method)
    async def answer(self: Any, request: Any, context: Context) -> Any:
        try:
            return await method(self, request, context)
        except StorageError as error:
            await refuse(context, error)

    return answer  # type: ignore[return-value]


def header(engine: Engine, revision: int | None = None) -> rpc_pb2.ResponseHeader:
    return rpc_pb2.ResponseHeader(
        cluster_id=engine.cluster,
        member_id=engine.member,
        revision=engine.revision if revision is None else revision,
        raft_term=engine.term,
    )


class _Service:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def header(self, revision: int | None = None) -> rpc_pb2.ResponseHeader:
        return header(self.engine, revision)


class KV(_Service, rpc_pb2_grpc.KVServicer):
    @refusing
    async def Range(self, request: rpc_pb2.RangeRequest, context: Context) -> rpc_pb2.RangeResponse:
        answer = self.engine.read(translate.range_op(request))
        return translate.range_response(answer, self.header(answer.revision))

    @refusing
    async def Put(self, request: rpc_pb2.PutRequest, context: Context) -> rpc_pb2.PutResponse:
        _check_size(request)
        answer = await self.engine.put(translate.put_op(request))
        return translate.put_response(answer, self.header(answer.revision))

    @refusing
    async def DeleteRange(self, request: rpc_pb2.DeleteRangeRequest, context: Context) -> rpc_pb2.DeleteRangeResponse:
        answer = await self.engine.delete(translate.delete_op(request))
        return translate.delete_response(answer, self.header(answer.revision))

    @refusing
    async def Txn(self, request: rpc_pb2.TxnRequest, context: Context) -> rpc_pb2.TxnResponse:
        _check_size(request)
        answer = await self.engine.txn(translate.txn_op(request))
        return translate.txn_response(answer, self.header(answer.revision))

    @refusing
    async def Compact(self, request: rpc_pb2.CompactionRequest, context: Context) -> rpc_pb2.CompactionResponse:
        await self.engine.compact(request.revision, request.physical)
        return rpc_pb2.CompactionResponse(header=self.header())


def _check_size(request: rpc_pb2.PutRequest | rpc_pb2.TxnRequest) -> None:
    if request.ByteSize() > MAX_REQUEST_BYTES:
        raise TooLarge()


class Lease(_Service, rpc_pb2_grpc.LeaseServicer):
    @refusing
    async def LeaseGrant(self, request: rpc_pb2.LeaseGrantRequest, context: Context) -> rpc_pb2.LeaseGrantResponse:
        lease, seconds = await self.engine.grant(request.TTL, request.ID)
        return rpc_pb2.LeaseGrantResponse(header=self.header(), ID=lease, TTL=seconds)

    @refusing
    async def LeaseRevoke(self, request: rpc_pb2.LeaseRevokeRequest, context: Context) -> rpc_pb2.LeaseRevokeResponse:
        await self.engine.revoke(request.ID)
        return rpc_pb2.LeaseRevokeResponse(header=self.header())

    async def LeaseKeepAlive(
        self, requests: AsyncIterator[rpc_pb2.LeaseKeepAliveRequest], context: Context
    ) -> AsyncIterator[rpc_pb2.LeaseKeepAliveResponse]:
        async for request in requests:
            try:
                seconds = self.engine.keep_alive(request.ID)
            except LeaseNotFound:
                seconds = 0
            except StorageError as error:
                await refuse(context, error)
            yield rpc_pb2.LeaseKeepAliveResponse(header=self.header(), ID=request.ID, TTL=seconds)

    @refusing
    async def LeaseTimeToLive(
        self, request: rpc_pb2.LeaseTimeToLiveRequest, context: Context
    ) -> rpc_pb2.LeaseTimeToLiveResponse:
        try:
            state = self.engine.lease(request.ID)
        except LeaseNotFound:
            return rpc_pb2.LeaseTimeToLiveResponse(header=self.header(), ID=request.ID, TTL=-1)
        return rpc_pb2.LeaseTimeToLiveResponse(
            header=self.header(),
            ID=request.ID,
            TTL=state.remaining,
            grantedTTL=state.granted,
            keys=state.keys if request.keys else [],
        )

    @refusing
    async def LeaseLeases(self, request: rpc_pb2.LeaseLeasesRequest, context: Context) -> rpc_pb2.LeaseLeasesResponse:
        leases = [rpc_pb2.LeaseStatus(ID=lease) for lease in self.engine.leases]
        return rpc_pb2.LeaseLeasesResponse(header=self.header(), leases=leases)


class Cluster(_Service, rpc_pb2_grpc.ClusterServicer):
    def __init__(self, engine: Engine, name: str, urls: list[str]) -> None:
        super().__init__(engine)
        self._member = rpc_pb2.Member(ID=engine.member, name=name, clientURLs=urls)

    @refusing
    async def MemberList(self, request: rpc_pb2.MemberListRequest, context: Context) -> rpc_pb2.MemberListResponse:
        return rpc_pb2.MemberListResponse(header=self.header(), members=[self._member])


class Maintenance(_Service, rpc_pb2_grpc.MaintenanceServicer):
    @refusing
    async def Alarm(self, request: rpc_pb2.AlarmRequest, context: Context) -> rpc_pb2.AlarmResponse:
        """NOSPACE stands exactly while the disk refuses; nobody can set or clear it."""
        alarms = []
        if self.engine.refusal and request.alarm in (rpc_pb2.NONE, rpc_pb2.NOSPACE):
            alarms.append(rpc_pb2.AlarmMember(memberID=self.engine.member, alarm=rpc_pb2.NOSPACE))
        return rpc_pb2.AlarmResponse(header=self.header(), alarms=alarms)

    @refusing
    async def Status(self, request: rpc_pb2.StatusRequest, context: Context) -> rpc_pb2.StatusResponse:
        engine, size = self.engine, await self.engine.size()
        return rpc_pb2.StatusResponse(
            header=self.header(),
            version=VERSION,
            dbSize=size.allocated,
            dbSizeInUse=size.in_use,
            leader=engine.member,
            raftIndex=engine.revision,
            raftAppliedIndex=engine.revision,
            raftTerm=engine.term,
            errors=[engine.refusal] if engine.refusal else [],
        )

    @refusing
    async def Defragment(self, request: rpc_pb2.DefragmentRequest, context: Context) -> rpc_pb2.DefragmentResponse:
        await self.engine.defragment()
        return rpc_pb2.DefragmentResponse(header=self.header())

    @refusing
    async def Hash(self, request: rpc_pb2.HashRequest, context: Context) -> rpc_pb2.HashResponse:
        return rpc_pb2.HashResponse(header=self.header(), hash=self._hash(self.engine.revision))

    @refusing
    async def HashKV(self, request: rpc_pb2.HashKVRequest, context: Context) -> rpc_pb2.HashKVResponse:
        engine = self.engine
        revision = request.revision or engine.revision
        engine.keys.check_readable(revision, engine.revision)
        return rpc_pb2.HashKVResponse(
            header=self.header(), hash=self._hash(revision), compact_revision=engine.keys.compacted
        )

    def _hash(self, revision: int) -> int:
        """A CRC of ours over every state kept: to compare two of our stores, not ours with an etcd."""
        crc = 0
        for kv in self.engine.keys.states(revision):
            crc = zlib.crc32(repr(tuple(kv)).encode(), crc)
        return crc

    async def Snapshot(
        self, request: rpc_pb2.SnapshotRequest, context: Context
    ) -> AsyncIterator[rpc_pb2.SnapshotResponse]:
        at = self.header()
        try:
            async for blob, remaining in snapshot(self.engine):
                yield rpc_pb2.SnapshotResponse(header=at, blob=blob, remaining_bytes=remaining)
        except StorageError as error:
            await refuse(context, error)
