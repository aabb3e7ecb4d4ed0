"""A `Storage` whose keeper never sees what it keeps: values are sealed on their way in, opened on their way out.

What cannot be opened comes out as it is, `Closed`, and says why: whoever reads it answers with that.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import yaml

from apiserver.encryption.ciphers import Transformer, Unreadable
from apiserver.encryption.closed import Closed
from apiserver.encryption.configuration import ConfigurationError, Rule, read
from apiserver.kinds.kind import Kind
from apiserver.objects import keys
from podling.api.errors import GroupResource
from podling.storage import Batch, Change, Delete, Event, If, KeyValue, Put, Range, Storage, Written


class EncryptedStorage:
    def __init__(self, inner: Storage, rules: Sequence[Rule], kinds: Iterable[Kind]) -> None:
        self._inner = inner
        self._rules = [(rule, Transformer(rule.providers)) for rule in rules]
        self._resources = {keys.prefix(kind): kind.resource for kind in kinds if kind.stored}
        self._by_prefix: dict[str, Transformer | None] = {}
        self.stale: set[bytes] = set()  # keys of what would be sealed otherwise today

    def _of(self, key: bytes) -> Transformer | None:
        parts = key.decode(errors="replace").removeprefix(keys.ROOT).split("/")
        prefix = f"{keys.ROOT}{parts[0]}/"
        if prefix not in self._resources:  # "services/specs/", "stable.example.com/crontabs/"
            prefix += f"{parts[1]}/" if len(parts) > 1 else ""
        if prefix not in self._by_prefix:
            resource = self._resources.get(prefix) or GroupResource(parts[0], parts[1] if len(parts) > 1 else "")
            found = (transformer for rule, transformer in self._rules if rule.means(resource))
            self._by_prefix[prefix] = next(found, None) if key.startswith(keys.ROOT.encode()) else None
        return self._by_prefix[prefix]

    def _opened(self, kv: KeyValue) -> KeyValue:
        transformer = self._of(kv.key)
        if transformer is None or not kv.value:
            return kv
        self.stale.discard(kv.key)
        try:
            value, stale = transformer.open(kv.value, kv.key)
        except Unreadable as error:
            value, stale = Closed(kv.value), False
            value.why = str(error)
        if stale:
            self.stale.add(kv.key)
        return kv._replace(value=value)

    async def get(self, key: bytes, revision: int = 0) -> Range:
        found = await self._inner.get(key, revision)
        return found._replace(kvs=[self._opened(kv) for kv in found.kvs])

    async def range(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = 0, keys_only: bool = False
    ) -> Range:
        found = await self._inner.range(start, end, revision=revision, limit=limit, keys_only=keys_only)
        return found if keys_only else found._replace(kvs=[self._opened(kv) for kv in found.kvs])

    async def count(self, start: bytes, end: bytes) -> int:
        return await self._inner.count(start, end)

    async def write(self, condition: If | None, change: Put | Delete) -> Written:
        if isinstance(change, Put) and (transformer := self._of(change.key)) is not None:
            change = change._replace(value=transformer.seal(change.value, change.key))
        written = await self._inner.write(condition, change)
        return written._replace(current=self._opened(written.current)) if written.current else written

    async def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncIterator[Batch]:
        async for batch in self._inner.watch(start, end, from_revision):
            yield Batch(batch.revision, [self._seen(event) for event in batch.events])

    def _seen(self, event: Event) -> Event:
        if self._of(event.kv.key) is None:
            return event
        previous = self._opened(event.previous) if event.previous else None
        if event.change is Change.DELETE:
            self.stale.discard(event.kv.key)
        return Event(event.change, self._opened(event.kv), previous)

    async def revision(self) -> int:
        return await self._inner.revision()

    async def compact(self, revision: int) -> None:
        await self._inner.compact(revision)

    async def lease(self, seconds: int) -> int:
        return await self._inner.lease(seconds)

    async def revoke(self, lease: int) -> None:
        await self._inner.revoke(lease)

    async def close(self) -> None:
        await self._inner.close()


def encrypted(inner: Storage, file: Path, kinds: Iterable[Kind]) -> EncryptedStorage:
    """Raises `ConfigurationError`."""
    try:
        rules = read(yaml.safe_load(file.read_bytes()))
    except (OSError, yaml.YAMLError, ConfigurationError) as error:
        raise ConfigurationError(f"encryption configuration {file}: {error}") from None
    return EncryptedStorage(inner, rules, kinds)
