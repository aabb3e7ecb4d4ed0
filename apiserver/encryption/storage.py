"""A `Storage` whose keeper never sees what it keeps: values are sealed on their way in, opened on their way out.

What cannot be opened comes out as it is, `Closed`, and says why: whoever reads it answers with that.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import yaml

from apiserver.encryption.ciphers import Transformer, Unreadable
from apiserver.encryption.closed import Closed
from apiserver.encryption.configuration import ConfigurationError, Rule, read
from apiserver.kinds.kind import Kind
from apiserver.objects import keys
from podling.api.errors import GroupResource
from podling.storage import Batch, Change, Delete, Event, If, KeyValue, Put, Range, Storage, Written

log = logging.getLogger(__name__)

RELOAD_SECONDS = 2.0


class EncryptedStorage:
    """`file` holds the configuration. Raises `ConfigurationError`."""

    def __init__(self, inner: Storage, file: Path, kinds: Iterable[Kind]) -> None:
        self._inner, self._file = inner, file
        self._resources = {keys.prefix(kind): kind.resource for kind in kinds if kind.stored}
        self.stale: set[bytes] = set()  # keys of what would be sealed otherwise today
        self._changed = asyncio.Event()
        self._read = b""
        self._use(_bytes(file))

    def _use(self, configuration: bytes) -> None:
        """Watches end when another configuration counts: whoever watches reads everything anew, by its keys."""
        if configuration == self._read:
            return
        self._read = configuration
        rules = _rules(configuration, self._file)
        self._transformers: list[tuple[Rule, Transformer]] = [(rule, Transformer(rule.providers)) for rule in rules]
        self._by_prefix: dict[str, Transformer | None] = {}
        self._changed.set()
        self._changed = asyncio.Event()

    async def reload(self, seconds: float = RELOAD_SECONDS) -> None:
        """For ever: look whether the file has changed. One that cannot be used leaves things as they were."""
        while True:
            await asyncio.sleep(seconds)
            before = self._changed
            try:
                self._use(await asyncio.to_thread(self._file.read_bytes))
            except OSError:
                continue  # somebody is about to replace it
            except ConfigurationError as error:
                log.error("encryption configuration not used error=%s", error)
            if before is not self._changed:
                log.info("encryption configuration loaded file=%s", self._file)

    def _of(self, key: bytes) -> Transformer | None:
        parts = key.decode(errors="replace").removeprefix(keys.ROOT).split("/")
        prefix = f"{keys.ROOT}{parts[0]}/"
        if prefix not in self._resources:  # "services/specs/", "stable.example.com/crontabs/"
            prefix += f"{parts[1]}/" if len(parts) > 1 else ""
        if prefix not in self._by_prefix:
            resource = self._resources.get(prefix) or GroupResource(parts[0], parts[1] if len(parts) > 1 else "")
            found = (transformer for rule, transformer in self._transformers if rule.means(resource))
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
        changed = asyncio.ensure_future(self._changed.wait())
        batches = aiter(self._inner.watch(start, end, from_revision))
        following: asyncio.Task[Batch] | None = None
        try:
            while True:
                following = asyncio.create_task(_next(batches))
                await asyncio.wait((following, changed), return_when=asyncio.FIRST_COMPLETED)
                if changed.done():
                    return
                try:
                    batch = following.result()
                except StopAsyncIteration:
                    return
                yield Batch(batch.revision, [self._seen(event) for event in batch.events])
        finally:
            tasks = [task for task in (changed, following) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

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


async def _next(batches: AsyncIterator[Batch]) -> Batch:
    return await anext(batches)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"encryption configuration {file}: {error}") from None


def _rules(configuration: bytes, file: Path) -> list[Rule]:
    try:
        return read(yaml.safe_load(configuration))
    except (yaml.YAMLError, ConfigurationError) as error:
        raise ConfigurationError(f"encryption configuration {file}: {error}") from None
