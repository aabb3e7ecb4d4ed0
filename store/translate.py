"""etcd's wire messages to requests (`store.ops`) and answers back to messages. Pure."""

from collections.abc import Iterable, Sequence

from podling.pb.store import kv_pb2, rpc_pb2
from podling.storage import Change, Event, KeyValue
from store.ops import (
    Answer,
    Comparison,
    DeleteAnswer,
    DeleteOp,
    Op,
    Order,
    PutAnswer,
    PutOp,
    RangeAnswer,
    RangeOp,
    Relation,
    Subject,
    Target,
    TxnAnswer,
    TxnOp,
)

_AGAINST = {
    Subject.VERSION: "version",
    Subject.CREATE: "create_revision",
    Subject.MOD: "mod_revision",
    Subject.VALUE: "value",
    Subject.LEASE: "lease",
}


def range_op(request: rpc_pb2.RangeRequest) -> RangeOp:
    return RangeOp(
        request.key,
        request.range_end,
        request.limit,
        request.revision,
        Order(request.sort_order),
        Target(request.sort_target),
        request.keys_only,
        request.count_only,
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    )


def put_op(request: rpc_pb2.PutRequest) -> PutOp:
    return PutOp(request.key, request.value, request.lease, request.prev_kv, request.ignore_value, request.ignore_lease)


def delete_op(request: rpc_pb2.DeleteRangeRequest) -> DeleteOp:
    return DeleteOp(request.key, request.range_end, request.prev_kv)


def txn_op(request: rpc_pb2.TxnRequest) -> TxnOp:
    return TxnOp(
        [_comparison(each) for each in request.compare],
        [_op(each) for each in request.success],
        [_op(each) for each in request.failure],
    )


def _comparison(compare: rpc_pb2.Compare) -> Comparison:
    subject = Subject(compare.target)
    against = getattr(compare, _AGAINST[subject])
    return Comparison(compare.key, subject, Relation(compare.result), against, compare.range_end)


def _op(request: rpc_pb2.RequestOp) -> Op:
    match request.WhichOneof("request"):
        case "request_range":
            return range_op(request.request_range)
        case "request_put":
            return put_op(request.request_put)
        case "request_delete_range":
            return delete_op(request.request_delete_range)
        case "request_txn":
            return txn_op(request.request_txn)
    return None


def key_value(kv: KeyValue) -> kv_pb2.KeyValue:
    return kv_pb2.KeyValue(
        key=kv.key,
        create_revision=kv.create_revision,
        mod_revision=kv.mod_revision,
        version=kv.version,
        value=kv.value,
        lease=kv.lease,
    )


def key_values(kvs: Iterable[KeyValue]) -> list[kv_pb2.KeyValue]:
    return [key_value(kv) for kv in kvs]


def range_response(answer: RangeAnswer, header: rpc_pb2.ResponseHeader) -> rpc_pb2.RangeResponse:
    return rpc_pb2.RangeResponse(header=header, kvs=key_values(answer.kvs), more=answer.more, count=answer.total)


def put_response(answer: PutAnswer, header: rpc_pb2.ResponseHeader) -> rpc_pb2.PutResponse:
    if answer.previous is None:
        return rpc_pb2.PutResponse(header=header)
    return rpc_pb2.PutResponse(header=header, prev_kv=key_value(answer.previous))


def delete_response(answer: DeleteAnswer, header: rpc_pb2.ResponseHeader) -> rpc_pb2.DeleteRangeResponse:
    return rpc_pb2.DeleteRangeResponse(header=header, deleted=answer.deleted, prev_kvs=key_values(answer.previous))


def txn_response(answer: TxnAnswer, header: rpc_pb2.ResponseHeader) -> rpc_pb2.TxnResponse:
    return rpc_pb2.TxnResponse(
        header=header, succeeded=answer.succeeded, responses=[_response(each) for each in answer.answers]
    )


def _response(answer: Answer) -> rpc_pb2.ResponseOp:
    header = rpc_pb2.ResponseHeader(revision=answer.revision)
    if isinstance(answer, RangeAnswer):
        return rpc_pb2.ResponseOp(response_range=range_response(answer, header))
    if isinstance(answer, PutAnswer):
        return rpc_pb2.ResponseOp(response_put=put_response(answer, header))
    if isinstance(answer, DeleteAnswer):
        return rpc_pb2.ResponseOp(response_delete_range=delete_response(answer, header))
    return rpc_pb2.ResponseOp(response_txn=txn_response(answer, header))


def events_bytes(events: Sequence[Event], previous: bool) -> bytes:
    """The `events` field of a WatchResponse, encoded: what precedes or follows it in the message may be appended."""
    response = rpc_pb2.WatchResponse()
    for event in events:
        message = response.events.add(
            type=kv_pb2.Event.PUT if event.change is Change.PUT else kv_pb2.Event.DELETE, kv=key_value(event.kv)
        )
        if previous and event.previous is not None:
            message.prev_kv.CopyFrom(key_value(event.previous))
    return response.SerializeToString()
