"""The one seam between the API server and whatever keeps its keys.

`Storage` speaks etcd's data model: byte keys at revisions, compare-and-swap transactions, ordered watches, leases.
Two implementations exist: `store.local.LocalStorage`, the engine in the caller's own process, and
`podling.client.etcd.EtcdStorage`, a gRPC client of any etcd v3 server (`podling store`, or a real etcd). One contract
suite, `tests/contracts/test_storage.py`, runs over all of them.

Errors: `Compacted` and `FutureRevision` as named; `StorageUnavailable` when the keeper cannot be reached or cannot
write (full disk): nothing of the transaction has then been acknowledged. Every method may be cancelled.
"""

from collections.abc import AsyncIterator, Sequence
from enum import Enum
from typing import NamedTuple, Protocol


class StorageError(Exception):
    """Root of what a keeper of keys can answer instead of a result."""


class Compacted(StorageError):
    """The revision asked for is older than `compact_revision`: it is gone."""

    def __init__(self, compact_revision: int) -> None:
        super().__init__(f"required revision has been compacted (oldest is {compact_revision})")
        self.compact_revision = compact_revision


class FutureRevision(StorageError):
    """The revision asked for does not exist yet."""


class LeaseNotFound(StorageError):
    """The lease does not exist or has expired."""


class StorageUnavailable(StorageError):
    """The keeper is away, or refuses to write: try again later."""


class KeyValue(NamedTuple):
    """One key at one revision. `version` counts the writes since the key was created, from 1; `lease` 0 is none."""

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int


class Range(NamedTuple):
    """`total` is how many keys the range holds, however few `limit` let through; `revision` is the store's own."""

    kvs: Sequence[KeyValue]
    total: int
    revision: int


class Put(NamedTuple):
    key: bytes
    value: bytes
    lease: int = 0


class Delete(NamedTuple):
    key: bytes


class If(NamedTuple):
    """Succeeds while the key's last write is `mod_revision`; 0: while the key does not exist."""

    key: bytes
    mod_revision: int


class Written(NamedTuple):
    """`current` is the state of the compared key, None if absent, read in the same transaction, when it failed."""

    succeeded: bool
    revision: int
    current: KeyValue | None


class Change(Enum):
    PUT = "PUT"
    DELETE = "DELETE"


class Event(NamedTuple):
    """`kv.value` is empty on DELETE; `previous` is the key before the change, None where it did not exist."""

    change: Change
    kv: KeyValue
    previous: KeyValue | None


class Batch(NamedTuple):
    """Events of whole revisions in order; no events: progress, everything up to `revision` has been delivered."""

    revision: int
    events: Sequence[Event]


class Storage(Protocol):
    async def get(self, key: bytes, revision: int = 0) -> Range:
        """One key, at the newest revision or the one given."""

    async def range(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = 0, keys_only: bool = False
    ) -> Range:
        """The keys of [start, end) in order; `limit` 0 is all."""

    async def count(self, start: bytes, end: bytes) -> int:
        """How many keys [start, end) holds."""

    async def write(self, condition: If | None, change: Put | Delete) -> Written:
        """Compare, then put or delete, in one transaction. Durable when it returns."""

    def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncIterator[Batch]:
        """Every change of [start, end) from `from_revision` on, with previous values; raises `Compacted`."""

    async def revision(self) -> int:
        """The newest revision."""

    async def compact(self, revision: int) -> None:
        """Forget what was overwritten or deleted before `revision`."""

    async def lease(self, seconds: int) -> int:
        """A new lease; its keys are deleted when it ends."""

    async def revoke(self, lease: int) -> None:
        """End a lease now, with its keys."""

    async def close(self) -> None:
        """Let go of files and connections; watches end."""


def prefix_end(prefix: bytes) -> bytes:
    """The smallest key after every key that starts with `prefix`; b"\\0" is etcd's word for no end."""
    for at in range(len(prefix) - 1, -1, -1):
        if prefix[at] < 0xFF:
            return prefix[:at] + bytes([prefix[at] + 1])
    return b"\0"
