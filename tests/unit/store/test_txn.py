import pytest

from podling.storage import StorageError
from store import txn
from store.check import check_txn
from store.errors import DuplicateKey, EmptyKey, KeyNotFound, LeaseProvided, NoLease, TooManyOps, ValueProvided
from store.mvcc import Keys
from store.ops import Comparison, DeleteOp, Op, Order, PutOp, RangeOp, Relation, Subject, Target, TxnOp

EVERYTHING = (b"\0", b"\0")


@pytest.fixture
def keys() -> Keys:
    """Revisions 2 to 5: a=1, b=2 (twice written), c=3 with lease 7."""
    keys = Keys()
    for key, value, lease in [(b"a", b"1", 0), (b"b", b"1", 0), (b"b", b"2", 0), (b"c", b"3", 7)]:
        keys.put(key, value, lease)
        keys.seal()
    keys.durable = keys.revision
    return keys


@pytest.mark.parametrize(
    ("op", "found"),
    [
        (RangeOp(b"a"), "a"),
        (RangeOp(b"x"), ""),
        (RangeOp(b"a", b"c"), "ab"),
        (RangeOp(b"b", b"\0"), "bc"),
        (RangeOp(b"b", b"a"), ""),
        (RangeOp(*EVERYTHING, order=Order.DESCEND), "cba"),
        (RangeOp(*EVERYTHING, order=Order.DESCEND, target=Target.VERSION), "bac"),
        (RangeOp(*EVERYTHING, target=Target.VALUE, order=Order.ASCEND), "abc"),
        (RangeOp(*EVERYTHING, target=Target.MOD, order=Order.DESCEND, limit=2), "cb"),
        (RangeOp(*EVERYTHING, target=Target.CREATE), "abc"),
        (RangeOp(*EVERYTHING, min_mod=4), "bc"),
        (RangeOp(*EVERYTHING, max_mod=4), "ab"),
        (RangeOp(*EVERYTHING, min_create=3, max_create=3), "b"),
        (RangeOp(*EVERYTHING, revision=2), "a"),
        (RangeOp(*EVERYTHING, limit=1), "a"),
        (RangeOp(*EVERYTHING, revision=-1), "abc"),
    ],
)
def test_a_range_finds(keys: Keys, op: RangeOp, found: str) -> None:
    assert b"".join(kv.key for kv in txn.read(keys, op, keys.durable).kvs).decode() == found


def test_a_limit_says_that_there_is_more_and_counts_all(keys: Keys) -> None:
    answer = txn.read(keys, RangeOp(*EVERYTHING, limit=2), keys.durable)
    assert (len(answer.kvs), answer.more, answer.total) == (2, True, 3)
    counted = txn.read(keys, RangeOp(*EVERYTHING, count_only=True), keys.durable)
    assert (list(counted.kvs), counted.more, counted.total) == ([], False, 3)


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        (Comparison(b"b", Subject.VERSION, Relation.EQUAL, 2), True),
        (Comparison(b"b", Subject.VERSION, Relation.GREATER, 2), False),
        (Comparison(b"b", Subject.CREATE, Relation.LESS, 4), True),
        (Comparison(b"b", Subject.MOD, Relation.NOT_EQUAL, 4), False),
        (Comparison(b"b", Subject.VALUE, Relation.GREATER, b"1"), True),
        (Comparison(b"c", Subject.LEASE, Relation.EQUAL, 7), True),
        (Comparison(b"x", Subject.MOD, Relation.EQUAL, 0), True),
        (Comparison(b"x", Subject.VERSION, Relation.LESS, 1), True),
        (Comparison(b"x", Subject.VALUE, Relation.EQUAL, b""), False),
        (Comparison(b"x", Subject.VALUE, Relation.NOT_EQUAL, b""), False),
        (Comparison(b"a", Subject.VERSION, Relation.GREATER, 0, b"d"), True),
        (Comparison(b"a", Subject.VERSION, Relation.EQUAL, 1, b"d"), False),
        (Comparison(b"x", Subject.CREATE, Relation.EQUAL, 0, b"\0"), True),
    ],
)
def test_a_comparison_holds_or_not(keys: Keys, comparison: Comparison, holds: bool) -> None:
    assert txn.compare(keys, comparison, keys.durable) is holds


def test_nested_transactions_compare_before_anything_is_written(keys: Keys) -> None:
    inner = TxnOp([Comparison(b"a", Subject.VALUE, Relation.EQUAL, b"1")], [RangeOp(b"a")], [PutOp(b"z", b"")])
    answer = txn.run(keys, TxnOp((), [PutOp(b"a", b"new"), inner], ()), ())
    nested = answer.answers[1]
    assert answer.revision == 6 and nested.succeeded and nested.answers[0].kvs[0].value == b"new"  # type: ignore[union-attr]


def test_a_refused_transaction_writes_nothing(keys: Keys) -> None:
    op = TxnOp((), [PutOp(b"a", b"new"), TxnOp((), [PutOp(b"q", b"", keep_value=True)], ())], ())
    with pytest.raises(KeyNotFound):
        txn.run(keys, op, ())
    with pytest.raises(NoLease):
        txn.run(keys, TxnOp((), [PutOp(b"a", b"new"), PutOp(b"q", b"", lease=9)], ()), ())
    with pytest.raises(StorageError):
        txn.run(keys, TxnOp((), [PutOp(b"a", b"new"), RangeOp(b"a", revision=99)], ()), ())
    assert keys.seal() == []


def test_a_put_keeps_what_it_is_told_to_keep(keys: Keys) -> None:
    txn.put(keys, PutOp(b"c", b"", keep_value=True, lease=8), {8})
    txn.put(keys, PutOp(b"b", b"new", keep_lease=True), ())
    states = [keys.newest(key) for key in (b"c", b"b")]
    assert [(state.value, state.lease) for state in states if state] == [(b"3", 8), (b"new", 0)]


def test_a_transaction_of_ranges_alone_is_read_only() -> None:
    assert txn.read_only(TxnOp((), [RangeOp(b"a"), TxnOp((), [RangeOp(b"a")], ())], ()))
    assert not txn.read_only(TxnOp((), [RangeOp(b"a")], [DeleteOp(b"a")]))


def put(key: bytes) -> PutOp:
    return PutOp(key, b"")


@pytest.mark.parametrize(
    ("ops", "refusal"),
    [
        ([put(b"a"), put(b"b")], None),
        ([put(b"a"), put(b"a")], DuplicateKey),
        ([put(b"a"), DeleteOp(b"a")], DuplicateKey),
        ([DeleteOp(b"a", b"c"), put(b"b")], DuplicateKey),
        ([DeleteOp(b"a", b"b"), put(b"b")], None),
        ([DeleteOp(b"a"), DeleteOp(b"a")], None),
        ([DeleteOp(b"a", b"\0"), put(b"b")], None),
        ([TxnOp((), [put(b"a")], [put(b"a")])], None),
        ([TxnOp((), [put(b"a")], []), put(b"a")], DuplicateKey),
        ([TxnOp((), [put(b"a")], []), TxnOp((), [], [put(b"a")])], DuplicateKey),
        ([TxnOp((), [put(b"a")], []), TxnOp((), [DeleteOp(b"a")], [])], None),
        ([TxnOp((), [DeleteOp(b"a")], []), TxnOp((), [put(b"a")], [])], DuplicateKey),
        ([RangeOp(b"")], EmptyKey),
        ([put(b"")], EmptyKey),
        ([DeleteOp(b"")], EmptyKey),
        ([None], KeyNotFound),
        ([PutOp(b"a", b"v", keep_value=True)], ValueProvided),
        ([PutOp(b"a", b"v", 7, keep_lease=True)], LeaseProvided),
        ([put(b"%d" % n) for n in range(128)], None),
        ([put(b"%d" % n) for n in range(129)], TooManyOps),
        ([TxnOp((), [put(b"%d" % n) for n in range(128)], [])], TooManyOps),
    ],
)
def test_a_transaction_is_checked_before_it_runs(ops: list[Op], refusal: type[Exception] | None) -> None:
    for op in (TxnOp((), ops, ()), TxnOp((), (), ops)):
        if refusal is None:
            check_txn(op)
        else:
            with pytest.raises(refusal):
                check_txn(op)


def test_a_comparison_without_a_key_is_refused() -> None:
    with pytest.raises(EmptyKey):
        check_txn(TxnOp([Comparison(b"", Subject.MOD, Relation.EQUAL, 0)], (), ()))
