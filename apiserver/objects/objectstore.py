"""Objects in the store: each a value under its key, written only if nobody wrote in between."""

from collections.abc import Container
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.objects import keys
from apiserver.objects.cached import Cached, encode, head, stored
from apiserver.objects.leases import LeasePool
from podling.api import errors
from podling.loop.clock import Clock
from podling.storage import Delete, If, KeyValue, LeaseNotFound, Put, Storage, StorageError, StorageUnavailable, Written

Object = dict[str, Any]


class ObjectStore:
    """`expected` is the revision that the writer has seen, 0 for an object that must not be there."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.storage = storage
        self._leases = LeasePool(storage, clock)

    def is_stale(self, kind: Kind, current: Cached) -> bool:
        """Would the same object be stored otherwise today, by another key?"""
        stale: Container[bytes] = getattr(self.storage, "stale", ())
        return (keys.prefix(kind.home) + current.key).encode() in stale

    async def put(self, kind: Kind, body: Object, expected: int, *, dry_run: bool) -> Written:
        meta = body["metadata"]
        key = keys.key(kind, meta.get("namespace", ""), meta["name"]).encode()
        if dry_run:
            return await self._rehearse(key, expected)
        value = encode(await to_store(kind, body))
        if not kind.ttl_seconds:
            return await self._write(If(key, expected), Put(key, value))
        try:
            return await self._write(If(key, expected), Put(key, value, await self._leases.lease(kind.ttl_seconds)))
        except LeaseNotFound:
            self._leases.forget(kind.ttl_seconds)
            return await self._write(If(key, expected), Put(key, value, await self._leases.lease(kind.ttl_seconds)))

    async def remove(self, kind: Kind, current: Cached, *, dry_run: bool) -> Written:
        key = (keys.prefix(kind) + current.key).encode()
        if dry_run:
            return await self._rehearse(key, current.revision)
        return await self._write(If(key, current.revision), Delete(key))

    async def _write(self, condition: If, op: Put | Delete) -> Written:
        try:
            return await self.storage.write(condition, op)
        except StorageUnavailable as error:
            raise errors.ServiceUnavailable(f"the store is not available: {error}") from error

    async def _rehearse(self, key: bytes, expected: int) -> Written:
        """What a write would have come to."""
        try:
            found = (await self.storage.get(key)).kvs
        except StorageError as error:
            raise errors.ServiceUnavailable(f"the store is not available: {error}") from error
        current = found[0] if found else None
        return Written((current.mod_revision if current else 0) == expected, expected, current)


def found(kind: Kind, current: KeyValue | None) -> Cached | None:
    """What a write found in its way."""
    if current is None:
        return None
    key = current.key.decode().removeprefix(keys.prefix(kind))
    return stored(kind.home, head(kind.home), key, current.value, current.mod_revision)


async def to_store(kind: Kind, body: Object) -> Object:
    """The object as the store keeps it: in the hub's version, its resourceVersion being the store's own."""
    made = {"kind": kind.kind, "apiVersion": kind.api_version, **body}
    if kind.versions is not None and kind.hub is not None:
        made = (await kind.versions.convert([made], kind.hub))[0]
    return _unversioned(made)


async def is_kept(kind: Kind, body: Object, current: Cached) -> bool:
    """Whether the store has just this already. What nobody sees may differ: its version, say."""
    return await to_store(kind, body) == _unversioned(current.object)


def _unversioned(body: Object) -> Object:
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}}
