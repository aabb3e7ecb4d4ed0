"""Carrying out requests over the keys: what is compared, read and changed, and in which order.

A transaction reads its comparisons before it changes anything, nested ones included; its operations then see what
the earlier ones of it wrote. Pure: `leases` is whatever can say whether a lease exists.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

from podling.storage import KeyValue
from store.errors import CompactedRevision, KeyNotFound, NoLease, RevisionAhead
from store.mvcc import Keys
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

_SORT_BY: dict[Target, Callable[[KeyValue], Any]] = {
    Target.KEY: lambda kv: kv.key,
    Target.VERSION: lambda kv: kv.version,
    Target.CREATE: lambda kv: kv.create_revision,
    Target.MOD: lambda kv: kv.mod_revision,
    Target.VALUE: lambda kv: kv.value,
}

_SUBJECT_OF: dict[Subject, Callable[[KeyValue], int | bytes]] = {
    Subject.VERSION: lambda kv: kv.version,
    Subject.CREATE: lambda kv: kv.create_revision,
    Subject.MOD: lambda kv: kv.mod_revision,
    Subject.VALUE: lambda kv: kv.value,
    Subject.LEASE: lambda kv: kv.lease,
}

_HOLDS: dict[Relation, Callable[[Any, Any], bool]] = {
    Relation.EQUAL: lambda left, right: bool(left == right),
    Relation.GREATER: lambda left, right: bool(left > right),
    Relation.LESS: lambda left, right: bool(left < right),
    Relation.NOT_EQUAL: lambda left, right: bool(left != right),
}

_ABSENT = KeyValue(b"", b"", 0, 0, 0, 0)


def read(keys: Keys, op: RangeOp, newest: int) -> RangeAnswer:
    """A range as a reader sees it whose newest revision is `newest`; raises where the revision is not readable."""
    revision = op.revision if op.revision > 0 else newest
    keys.check_readable(revision, newest)
    found = list(keys.span(op.key, op.end, revision))
    count = len(found)
    if op.count_only:
        return RangeAnswer((), False, count, newest)
    if op.min_mod or op.max_mod or op.min_create or op.max_create:
        found = [kv for kv in found if _within(op, kv)]
    if op.order is not Order.NONE or op.target is not Target.KEY:
        found.sort(key=_SORT_BY[op.target], reverse=op.order is Order.DESCEND)
    more = 0 < op.limit < len(found)
    if more:
        del found[op.limit :]
    if op.keys_only:
        found = [kv._replace(value=b"") for kv in found]
    return RangeAnswer(found, more, count, newest)


def _within(op: RangeOp, kv: KeyValue) -> bool:
    return not (
        (op.max_mod and kv.mod_revision > op.max_mod)
        or (op.min_mod and kv.mod_revision < op.min_mod)
        or (op.max_create and kv.create_revision > op.max_create)
        or (op.min_create and kv.create_revision < op.min_create)
    )


def put(keys: Keys, op: PutOp, leases: Container[int]) -> PutAnswer:
    """Put in the open transaction."""
    if op.lease and op.lease not in leases:
        raise NoLease()
    value, lease = op.value, op.lease
    if op.keep_value or op.keep_lease:
        current = keys.newest(op.key)
        if current is None:
            raise KeyNotFound()
        value = current.value if op.keep_value else value
        lease = current.lease if op.keep_lease else lease
    previous = keys.put(op.key, value, lease)
    return PutAnswer(previous if op.previous else None, keys.writing)


def delete(keys: Keys, op: DeleteOp) -> DeleteAnswer:
    """Delete a span in the open transaction."""
    gone = list(keys.span(op.key, op.end, keys.revision + 1))
    for kv in gone:
        keys.delete(kv.key)
    return DeleteAnswer(len(gone), gone if op.previous else (), keys.writing)


def run(keys: Keys, op: TxnOp, leases: Container[int]) -> TxnAnswer:
    """A checked transaction (`store.check`): compare, refuse or carry out. Leaves it open for `Keys.seal`."""
    plan = _Plan(keys, op)
    plan.check_puts(leases)
    plan.check_ranges()
    answer = plan.carry_out(leases)
    return answer._replace(revision=keys.writing)


def read_only(op: TxnOp) -> bool:
    """Whether no branch of the transaction, taken or not, can write."""
    return all(
        isinstance(inner, RangeOp) or (isinstance(inner, TxnOp) and read_only(inner))
        for inner in (*op.success, *op.failure)
    )


def read_txn(keys: Keys, op: TxnOp, newest: int) -> TxnAnswer:
    """A transaction that cannot write, as a reader sees it whose newest revision is `newest`."""
    plan = _Plan(keys, op, newest)
    plan.check_ranges()
    return plan.carry_out(())._replace(revision=newest)


class _Plan:
    """The branches that a transaction takes, settled before its first operation runs."""

    def __init__(self, keys: Keys, op: TxnOp, newest: int | None = None) -> None:
        self._keys = keys
        self._newest = newest
        self._succeeded = all(compare(keys, each, self._sees()) for each in op.compare)
        branch = op.success if self._succeeded else op.failure
        self._steps: Sequence[Op | _Plan] = [
            _Plan(keys, each, newest) if isinstance(each, TxnOp) else each for each in branch
        ]

    def _sees(self) -> int:
        return self._keys.writing if self._newest is None else self._newest

    def check_puts(self, leases: Container[int]) -> None:
        for step in self._steps:
            if isinstance(step, _Plan):
                step.check_puts(leases)
            elif isinstance(step, PutOp):
                if (step.keep_value or step.keep_lease) and self._keys.newest(step.key) is None:
                    raise KeyNotFound()
                if step.lease and step.lease not in leases:
                    raise NoLease()

    def check_ranges(self) -> None:
        for step in self._steps:
            if isinstance(step, _Plan):
                step.check_ranges()
            elif isinstance(step, RangeOp) and step.revision:
                if step.revision > self._sees():
                    raise RevisionAhead()
                if step.revision < self._keys.compacted:
                    raise CompactedRevision(self._keys.compacted)

    def carry_out(self, leases: Container[int]) -> TxnAnswer:
        answers: list[Answer] = []
        for step in self._steps:
            if isinstance(step, _Plan):
                answers.append(step.carry_out(leases))
            elif isinstance(step, RangeOp):
                answers.append(read(self._keys, step, self._sees()))
            elif isinstance(step, PutOp):
                answers.append(put(self._keys, step, leases))
            elif isinstance(step, DeleteOp):
                answers.append(delete(self._keys, step))
        return TxnAnswer(self._succeeded, answers, 0)


def compare(keys: Keys, op: Comparison, revision: int) -> bool:
    """Whether every key of the span satisfies it; a value never compares with a key that is not there."""
    subject, holds = _SUBJECT_OF[op.subject], _HOLDS[op.relation]
    empty = True
    for kv in keys.span(op.key, op.end, revision):
        empty = False
        if not holds(subject(kv), op.against):
            return False
    if not empty:
        return True
    return op.subject is not Subject.VALUE and holds(subject(_ABSENT), op.against)
