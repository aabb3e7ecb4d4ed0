"""What a client asks of the keys and what it is answered: etcd's requests without their wire form.

`end` in a span: empty is the one key, b"\\0" is everything from `key` on, else [key, end).
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from podling.storage import KeyValue


class Order(IntEnum):
    NONE = 0
    ASCEND = 1
    DESCEND = 2


class Target(IntEnum):
    """What a range is sorted by."""

    KEY = 0
    VERSION = 1
    CREATE = 2
    MOD = 3
    VALUE = 4


class Subject(IntEnum):
    """What a comparison looks at."""

    VERSION = 0
    CREATE = 1
    MOD = 2
    VALUE = 3
    LEASE = 4


class Relation(IntEnum):
    EQUAL = 0
    GREATER = 1
    LESS = 2
    NOT_EQUAL = 3


class RangeOp(NamedTuple):
    """The four bounds are 0 where there is none."""

    key: bytes
    end: bytes = b""
    limit: int = 0
    revision: int = 0
    order: Order = Order.NONE
    target: Target = Target.KEY
    keys_only: bool = False
    count_only: bool = False
    min_mod: int = 0
    max_mod: int = 0
    min_create: int = 0
    max_create: int = 0


class PutOp(NamedTuple):
    key: bytes
    value: bytes
    lease: int = 0
    previous: bool = False
    keep_value: bool = False
    keep_lease: bool = False


class DeleteOp(NamedTuple):
    key: bytes
    end: bytes = b""
    previous: bool = False


class Comparison(NamedTuple):
    """`against` is bytes where `subject` is VALUE, else a number. Holds when every key of the span satisfies it."""

    key: bytes
    subject: Subject
    relation: Relation
    against: int | bytes
    end: bytes = b""


class TxnOp(NamedTuple):
    compare: Sequence[Comparison]
    success: Sequence["Op"]
    failure: Sequence["Op"]


Op: TypeAlias = RangeOp | PutOp | DeleteOp | TxnOp | None
"""None is an operation whose kind the client left out; it is refused."""


class RangeAnswer(NamedTuple):
    kvs: Sequence[KeyValue]
    more: bool
    total: int
    revision: int


class PutAnswer(NamedTuple):
    previous: KeyValue | None
    revision: int


class DeleteAnswer(NamedTuple):
    deleted: int
    previous: Sequence[KeyValue]
    revision: int


class TxnAnswer(NamedTuple):
    """`revision` of a nested transaction is 0, as etcd answers."""

    succeeded: bool
    answers: Sequence["Answer"]
    revision: int


Answer: TypeAlias = RangeAnswer | PutAnswer | DeleteAnswer | TxnAnswer
