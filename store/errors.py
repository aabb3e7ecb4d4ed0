"""What the store can refuse, in etcd's words, because clients compare the text.

    Refusal (podling.storage.StorageError)
    ├── EmptyKey          INVALID_ARGUMENT     the key is empty
    ├── KeyNotFound       INVALID_ARGUMENT     ignore_value or ignore_lease of a key that is not there
    ├── ValueProvided     INVALID_ARGUMENT     ignore_value beside a value
    ├── LeaseProvided     INVALID_ARGUMENT     ignore_lease beside a lease
    ├── TooManyOps        INVALID_ARGUMENT     a transaction over MAX_OPS operations deep or long
    ├── DuplicateKey      INVALID_ARGUMENT     one transaction writes a key twice
    ├── TooLarge          INVALID_ARGUMENT     a request over MAX_REQUEST_BYTES
    ├── LeaseExists       FAILED_PRECONDITION  the lease id asked for is taken
    └── LeaseTooLong      OUT_OF_RANGE         a lease over MAX_LEASE_SECONDS
    CompactedRevision (podling.storage.Compacted)         OUT_OF_RANGE
    RevisionAhead     (podling.storage.FutureRevision)    OUT_OF_RANGE
    NoLease           (podling.storage.LeaseNotFound)     NOT_FOUND
    NoSpace           (podling.storage.StorageUnavailable) RESOURCE_EXHAUSTED  the disk refuses; nothing was kept
    Stopped           (podling.storage.StorageUnavailable) UNAVAILABLE         the engine is closed

`grpc` is the name of the gRPC status code, `text` its details. Source: etcd's api/v3rpc/rpctypes.
"""

from typing import ClassVar

from podling.storage import Compacted, FutureRevision, LeaseNotFound, StorageError, StorageUnavailable

MAX_OPS = 128
MAX_REQUEST_BYTES = 1536 * 1024
MAX_LEASE_SECONDS = 9_000_000_000


class Refusal(StorageError):
    """A request that cannot be carried out as it stands."""

    grpc: ClassVar[str] = "INVALID_ARGUMENT"
    text: ClassVar[str] = "etcdserver: bad request"

    def __init__(self) -> None:
        super().__init__(self.text)


class EmptyKey(Refusal):
    text = "etcdserver: key is not provided"


class KeyNotFound(Refusal):
    text = "etcdserver: key not found"


class ValueProvided(Refusal):
    text = "etcdserver: value is provided"


class LeaseProvided(Refusal):
    text = "etcdserver: lease is provided"


class TooManyOps(Refusal):
    text = "etcdserver: too many operations in txn request"


class DuplicateKey(Refusal):
    text = "etcdserver: duplicate key given in txn request"


class TooLarge(Refusal):
    text = "etcdserver: request is too large"


class LeaseExists(Refusal):
    grpc, text = "FAILED_PRECONDITION", "etcdserver: lease already exists"


class LeaseTooLong(Refusal):
    grpc, text = "OUT_OF_RANGE", "etcdserver: too large lease TTL"


class CompactedRevision(Compacted):
    grpc: ClassVar[str] = "OUT_OF_RANGE"
    text: ClassVar[str] = "etcdserver: mvcc: required revision has been compacted"


class RevisionAhead(FutureRevision):
    grpc: ClassVar[str] = "OUT_OF_RANGE"
    text: ClassVar[str] = "etcdserver: mvcc: required revision is a future revision"

    def __init__(self) -> None:
        super().__init__(self.text)


class NoLease(LeaseNotFound):
    grpc: ClassVar[str] = "NOT_FOUND"
    text: ClassVar[str] = "etcdserver: requested lease not found"

    def __init__(self) -> None:
        super().__init__(self.text)


class NoSpace(StorageUnavailable):
    """The disk is full or broken. `cause` is its own word for it."""

    grpc: ClassVar[str] = "RESOURCE_EXHAUSTED"
    text: ClassVar[str] = "etcdserver: mvcc: database space exceeded"

    def __init__(self, cause: str = "") -> None:
        super().__init__(f"{self.text} ({cause})" if cause else self.text)
        self.cause = cause


class Stopped(StorageUnavailable):
    grpc: ClassVar[str] = "UNAVAILABLE"
    text: ClassVar[str] = "etcdserver: server stopped"

    def __init__(self) -> None:
        super().__init__(self.text)
