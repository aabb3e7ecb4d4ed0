"""What can be said against a transaction before looking at a single key.

The rules and their order are etcd's, surprises included: a put under a delete of its own or an outer level is
refused wherever the two could both run, one branch of an `if` never collides with the other, a nested delete is not
held against a put of an earlier sibling, and a delete "from this key on" is held against nothing. So one transaction
can after all write a key twice; the operations then count in their order.
"""

from collections.abc import Sequence

from store.errors import (
    MAX_OPS,
    DuplicateKey,
    EmptyKey,
    KeyNotFound,
    LeaseProvided,
    TooManyOps,
    ValueProvided,
)
from store.ops import DeleteOp, Op, PutOp, RangeOp, TxnOp


def check_range(op: RangeOp) -> None:
    if not op.key:
        raise EmptyKey()


def check_put(op: PutOp) -> None:
    if not op.key:
        raise EmptyKey()
    if op.keep_value and op.value:
        raise ValueProvided()
    if op.keep_lease and op.lease:
        raise LeaseProvided()


def check_delete(op: DeleteOp) -> None:
    if not op.key:
        raise EmptyKey()


def check_txn(op: TxnOp) -> None:
    """A whole transaction: every request of it, then collisions."""
    _check_shape(op, MAX_OPS)
    _Writes.of(op.success)
    _Writes.of(op.failure)


def _check_shape(op: TxnOp, budget: int) -> None:
    widest = max(len(op.compare), len(op.success), len(op.failure))
    if widest > budget:
        raise TooManyOps()
    for comparison in op.compare:
        if not comparison.key:
            raise EmptyKey()
    for branch in (op.success, op.failure):
        for inner in branch:
            _check_op(inner, budget - widest)


def _check_op(op: Op, budget: int) -> None:
    if op is None:
        raise KeyNotFound()
    if isinstance(op, RangeOp):
        check_range(op)
    elif isinstance(op, PutOp):
        check_put(op)
    elif isinstance(op, DeleteOp):
        check_delete(op)
    else:
        _check_shape(op, budget)


class _Writes:
    """What a list of operations may write: the keys it puts and the spans it deletes."""

    def __init__(self) -> None:
        self.puts: set[bytes] = set()
        self.spans: list[tuple[bytes, bytes]] = []

    @classmethod
    def of(cls, ops: Sequence[Op]) -> "_Writes":
        writes = cls()
        writes.spans = [(op.key, op.end) for op in ops if isinstance(op, DeleteOp)]
        for op in ops:
            if isinstance(op, TxnOp):
                writes._add_branches(cls.of(op.success), cls.of(op.failure))
        for op in ops:
            if isinstance(op, PutOp):
                writes._put(op.key)
        return writes

    def _add_branches(self, then: "_Writes", otherwise: "_Writes") -> None:
        for key in then.puts:
            self._put(key)
        for key in otherwise.puts:
            if key in then.puts:
                if self._deletes(key):
                    raise DuplicateKey()
                continue
            self._put(key)
        self.spans += then.spans + otherwise.spans

    def _put(self, key: bytes) -> None:
        if key in self.puts or self._deletes(key):
            raise DuplicateKey()
        self.puts.add(key)

    def _deletes(self, key: bytes) -> bool:
        """An open end (b"\\0") is taken as it stands here and so covers nothing, in etcd too."""
        return any(start <= key < end if end else key == start for start, end in self.spans)
