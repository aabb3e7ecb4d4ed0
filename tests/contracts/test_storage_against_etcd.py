"""Ours and a real etcd are asked the same, at random, and every answer is compared.

`PODLING_EXAMPLES` says how many conversations.
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from podling.pb.store import rpc_pb2 as pb
from podling.pb.store import rpc_pb2_grpc

LEASE, OTHER_LEASE, NO_LEASE = 7, 8, 99
EVERYTHING = b"\0"

keys = st.sampled_from([b"a", b"ab", b"b", b"c", b"\xff"])
asked_keys = st.one_of(keys, st.sampled_from([b"", b"\0"]))
ends = st.sampled_from([b"", b"", b"b", b"c", b"ac", b"\0", b"a"])
values = st.sampled_from([b"", b"x", b"yy"])
flags = st.sampled_from([False, False, True])
leases = st.sampled_from([0, 0, 0, LEASE, OTHER_LEASE, NO_LEASE])
deltas = st.integers(-3, 12)
"""A revision is asked for relative to the one at which the example began: 0 itself stands for "the newest"."""


class Near(NamedTuple):
    """A request whose revision fields are still relative."""

    message: Any


bounds = st.one_of(st.just(0), st.just(0), st.integers(1, 12))
ranges = st.builds(
    pb.RangeRequest,
    key=asked_keys,
    range_end=ends,
    limit=st.sampled_from([0, 0, 1, 2, -1]),
    revision=deltas,
    sort_order=st.sampled_from([0, 0, 1, 2]),
    sort_target=st.sampled_from([0, 0, 1, 2, 3, 4]),
    keys_only=flags,
    count_only=flags,
    serializable=flags,
    min_mod_revision=bounds,
    max_mod_revision=bounds,
    min_create_revision=bounds,
    max_create_revision=bounds,
)
puts = st.builds(
    pb.PutRequest, key=asked_keys, value=values, lease=leases, prev_kv=flags, ignore_value=flags, ignore_lease=flags
)
plain_puts = st.builds(pb.PutRequest, key=keys, value=values, prev_kv=flags)
deletes = st.builds(pb.DeleteRangeRequest, key=asked_keys, range_end=ends, prev_kv=flags)
results = st.sampled_from([0, 1, 2, 3])


def _compare(target: int, field: str, against: Any) -> Any:
    return st.builds(pb.Compare, key=keys, range_end=ends, target=st.just(target), result=results, **{field: against})


compares = st.one_of(
    _compare(0, "version", st.integers(0, 3)),
    _compare(1, "create_revision", bounds),
    _compare(2, "mod_revision", bounds),
    _compare(3, "value", values),
    _compare(4, "lease", leases),
    st.builds(pb.Compare, key=asked_keys, target=st.sampled_from([0, 1, 2, 3, 4]), result=results),
)


def _operations(inner: Any) -> Any:
    operations = [
        st.builds(pb.RequestOp, request_range=ranges),
        st.builds(pb.RequestOp, request_put=plain_puts),
        st.builds(pb.RequestOp, request_put=puts),
        st.builds(pb.RequestOp, request_delete_range=deletes),
    ]
    if inner is not None:
        operations.append(st.builds(pb.RequestOp, request_txn=inner))
    return st.lists(st.one_of(*operations), max_size=3)


def _txns(inner: Any) -> Any:
    return st.builds(
        pb.TxnRequest,
        compare=st.lists(compares, max_size=2),
        success=_operations(inner),
        failure=_operations(inner),
    )


txns = _txns(_txns(_txns(None)))
compactions = st.builds(pb.CompactionRequest, revision=deltas, physical=flags)
revokes = st.builds(pb.LeaseRevokeRequest, ID=st.sampled_from([LEASE, OTHER_LEASE, NO_LEASE]))
requests = st.one_of(plain_puts, puts, deletes, ranges, ranges, txns, txns, compactions, revokes)


class Side:
    """One of the two servers."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.kv = rpc_pb2_grpc.KVStub(self.channel)
        self.lease = rpc_pb2_grpc.LeaseStub(self.channel)
        self.watch = rpc_pb2_grpc.WatchStub(self.channel)

    def reset(self) -> int:
        """Nothing but two leases; the revision at which that is so."""
        self.kv.DeleteRange(pb.DeleteRangeRequest(key=EVERYTHING, range_end=EVERYTHING))
        for lease in (LEASE, OTHER_LEASE):
            self.ask(pb.LeaseRevokeRequest(ID=lease))
            self.lease.LeaseGrant(pb.LeaseGrantRequest(ID=lease, TTL=100_000))
        self.kv.Put(pb.PutRequest(key=b"a", value=b"x"))
        revision: int = self.kv.Put(pb.PutRequest(key=b"c", value=b"x")).header.revision
        self.kv.Compact(pb.CompactionRequest(revision=revision - 1))
        return revision

    def ask(self, request: Any) -> Any:
        """What it answers, but for who it is; or the error's code and words."""
        call = {
            pb.RangeRequest: self.kv.Range,
            pb.PutRequest: self.kv.Put,
            pb.DeleteRangeRequest: self.kv.DeleteRange,
            pb.TxnRequest: self.kv.Txn,
            pb.CompactionRequest: self.kv.Compact,
            pb.LeaseRevokeRequest: self.lease.LeaseRevoke,
        }[type(request)]
        try:
            answer = call(request, timeout=60)
        except grpc.RpcError as error:
            return (error.code(), error.details())  # type: ignore[attr-defined]
        answer.header.cluster_id = answer.header.member_id = answer.header.raft_term = 0
        return answer

    def lease_keys(self) -> list[list[bytes]]:
        asked = [pb.LeaseTimeToLiveRequest(ID=lease, keys=True) for lease in (LEASE, OTHER_LEASE)]
        return [sorted(self.lease.LeaseTimeToLive(each).keys) for each in asked]

    def events(self, start: int, until: int) -> list[Any]:
        """Every event from one revision to another, previous values included."""
        create = pb.WatchCreateRequest(key=EVERYTHING, range_end=EVERYTHING, start_revision=start, prev_kv=True)
        stream = self.watch.Watch(iter([pb.WatchRequest(create_request=create)]), timeout=60)
        events: list[Any] = []
        try:
            while not events or events[-1].kv.mod_revision < until:
                events += next(stream).events
        finally:
            stream.cancel()
        return events


@pytest.fixture(scope="module")
def sides(store_address: str, etcd_address: str) -> Iterator[tuple[Side, Side]]:
    """Ours and etcd."""
    ours, theirs = Side(store_address), Side(etcd_address)
    yield ours, theirs
    ours.channel.close()
    theirs.channel.close()


def start_alike(ours: Side, theirs: Side) -> int:
    """Bring both to the same contents at the same revision, and say which."""
    here, there = ours.reset(), theirs.reset()
    for _ in range(abs(here - there)):
        (ours if here < there else theirs).kv.Put(pb.PutRequest(key=b"a"))
    if here != there:
        return start_alike(ours, theirs)
    return here


def absolute(request: Any, base: int) -> Any:
    """The request with its revisions counted from `base`."""
    moved = type(request)()
    moved.CopyFrom(request)
    _move(moved, base)
    return moved


def _move(message: Any, base: int) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                _move(inner, base)
        elif field.name.endswith("revision") and value > 0:
            setattr(message, field.name, value - 4 + base)


@settings(
    max_examples=int(os.environ.get("PODLING_EXAMPLES", "60")),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(asked=st.lists(requests, min_size=1, max_size=25))
def test_ours_answers_as_etcd_does(sides: tuple[Side, Side], asked: list[Any]) -> None:
    ours, theirs = sides
    base = start_alike(ours, theirs)
    newest = compacted = base
    for relative in asked:
        request = absolute(relative, base)
        answer = ours.ask(request)
        assert answer == theirs.ask(request), request
        if not isinstance(answer, tuple):
            newest = max(newest, answer.header.revision)
            if isinstance(request, pb.CompactionRequest):
                compacted = max(compacted, request.revision)
    everything = pb.RangeRequest(key=EVERYTHING, range_end=EVERYTHING)
    assert ours.ask(everything) == theirs.ask(everything)
    assert ours.lease_keys() == theirs.lease_keys()
    if newest > compacted:
        assert ours.events(compacted + 1, newest) == theirs.events(compacted + 1, newest)
