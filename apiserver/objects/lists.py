"""Lists and watches: which revision is read, from where, and how much of it.

    resourceVersion  match           read
    ""                               the cache, once it holds everything written so far
    "0"                              the cache as it is; a limit does not count
    N                NotOlderThan,   the cache, once it is at N
                     or no limit
    N                Exact, or a     the state at N: the cache where nothing changed since, else the store
                     limit
    (a continue token)               the state at the token's revision, likewise

Source: k8s.io/apiserver/pkg/storage/cacher and the table in the API concepts page.
"""

from collections.abc import Callable
from dataclasses import replace

from apiserver.answer import ListAnswer
from apiserver.kinds.kind import Kind
from apiserver.objects import continuation
from apiserver.objects.cached import Cached, shown, stored
from apiserver.objects.continuation import Token
from apiserver.objects.feed import Feed
from apiserver.objects.watchcache import UNREADABLE, KindCache
from apiserver.objects.watcher import Filter, Watcher
from apiserver.options import ListOptions, parse_version
from apiserver.refusal import Unexplained
from podling.api import errors
from podling.api.field import show
from podling.storage import Compacted, StorageError, prefix_end

PAGE = 1000


class Reader:
    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    async def list(self, kind: Kind, namespace: str, options: ListOptions) -> ListAnswer:
        found = await self._list(kind, namespace, options)
        if kind.versions is not None:
            found.items = await shown(kind, found.items)
        return found

    async def _list(self, kind: Kind, namespace: str, options: ListOptions) -> ListAnswer:
        wanted = _filter(kind, namespace, options)
        limit = 0 if wanted.name else max(options.limit, 0)
        if options.continue_:
            token = continuation.read(options.continue_, namespace)
            if options.resource_version not in ("", "0"):
                raise errors.BadRequest("specifying resource version is not allowed when using continue")
            if token.revision > 0:
                return await self._at(kind, wanted, token, limit, lambda: continuation.expired(token, namespace))
            await self.feed.fresh()
            await self._convert(kind, wanted)
            return self._now(kind, wanted, token.start, self.feed.revision, limit)
        revision = _version(options.resource_version)
        if options.match == "Exact" or (limit > 0 and revision > 0 and not options.match):
            gone = errors.Expired(continuation.LIST_TOO_OLD)
            return await self._at(kind, wanted, Token(revision, ""), limit, lambda: gone)
        if options.resource_version == "":
            await self.feed.fresh()
        else:
            await self.feed.reach(revision)
        await self._convert(kind, wanted)
        return self._now(kind, wanted, "", self.feed.revision, 0 if options.resource_version == "0" else limit)

    def _now(self, kind: Kind, wanted: Filter, start: str, revision: int, limit: int) -> ListAnswer:
        """The state of the cache, from a key on, told as that of `revision`."""
        cache = self.feed.of(kind)
        if not limit and not start:
            return ListAnswer(kind, list(cache.select(wanted)), revision)
        items: list[Cached] = []
        for cached in cache.span(wanted.namespace, start):
            if limit and len(items) == limit:
                return _cut(kind, wanted, items, revision, cache.count(wanted.namespace, cached.key))
            if wanted.matches(cached):
                items.append(cached)
        return ListAnswer(kind, items, revision)

    async def _at(
        self, kind: Kind, wanted: Filter, token: Token, limit: int, gone: Callable[[], errors.Expired]
    ) -> ListAnswer:
        """The state at the token's revision, from its key on."""
        await self.feed.reach(token.revision)
        await self._convert(kind, wanted)
        cache = self.feed.of(kind)
        if cache.changed <= token.revision:
            return self._now(kind, wanted, token.start, token.revision, limit)
        try:
            return await self._stored(kind, cache, wanted, token, limit)
        except Compacted:
            raise gone() from None
        except StorageError as error:
            raise errors.ServiceUnavailable(f"the store is not available: {error}") from error

    async def _stored(self, kind: Kind, cache: KindCache, wanted: Filter, token: Token, limit: int) -> ListAnswer:
        prefix = cache.prefix.encode()
        scope = prefix + (f"{wanted.namespace}/".encode() if cache.kind.namespaced and wanted.namespace else b"")
        at, end = max(scope, prefix + token.start.encode()), prefix_end(scope)
        items: list[Cached] = []
        while True:
            page = await self.feed.storage.range(at, end, revision=token.revision, limit=min(limit + 1, PAGE) or PAGE)
            found: list[Cached | None] = []
            for kv in page.kvs:
                try:
                    key = kv.key[len(prefix) :].decode()
                    found.append(stored(cache.kind, cache.head, key, kv.value, kv.mod_revision))
                except UNREADABLE:
                    found.append(None)
            if wanted.view is not None:
                await shown(wanted.view, [cached for cached in found if cached is not None])
            for position, cached in enumerate(found):
                if limit and len(items) == limit:
                    return _cut(kind, wanted, items, token.revision, page.total - position)
                if cached is not None and wanted.matches(cached):
                    items.append(cached)
            if page.total == len(page.kvs):
                return ListAnswer(kind, items, token.revision)
            at = page.kvs[-1].key + b"\0"

    async def _convert(self, kind: Kind, wanted: Filter) -> None:
        """What the selectors are asked of is there when this returns, in the version that is asked for."""
        if wanted.view is None:
            return
        around = Filter(wanted.namespace, wanted.name)
        while missing := [each for each in self.feed.of(kind).select(around) if each.shown(wanted.view) is None]:
            await shown(wanted.view, missing)

    async def watch(self, kind: Kind, namespace: str, options: ListOptions) -> Watcher:
        """A watcher with what comes first already in it; for a version that is forgotten, why there is none."""
        wanted = _filter(kind, namespace, options)
        try:
            after = parse_version(options.resource_version or "0")
        except ValueError as error:
            value = show(options.resource_version)
            raise Unexplained(f"resourceVersion: Invalid value: {value}: {error}") from None
        cache = self.feed.of(kind)
        try:
            if after and not options.send_initial:
                await self.feed.reach(0)
                return cache.watch(wanted, after)
            await (self.feed.reach(after) if options.resource_version else self.feed.fresh())
        except (errors.Expired, errors.Timeout) as error:
            return Watcher.refused(error)
        if options.send_initial is not False:
            await self._convert(kind, wanted)
        watcher = cache.watch(wanted, self.feed.revision)
        if options.send_initial is not False:
            watcher.start_with(cache.select(wanted))
        if options.send_initial and options.bookmarks:
            watcher.mark(self.feed.revision)
        return watcher


def _filter(kind: Kind, namespace: str, options: ListOptions) -> Filter:
    wanted = options.filter(namespace)
    moved = wanted.selects and kind.versions is not None and kind.versions.moves_fields
    return replace(wanted, view=kind) if moved else wanted


def _version(text: str) -> int:
    try:
        return parse_version(text or "0")
    except ValueError as error:
        raise errors.BadRequest(
            f"invalid resource version: resourceVersion: Invalid value: {show(text)}: {error}"
        ) from None


def _cut(kind: Kind, wanted: Filter, items: list[Cached], revision: int, left: int) -> ListAnswer:
    """A list that ends at a limit. `left` objects follow, whether the selectors want them or not."""
    token = continuation.write(Token(revision, items[-1].key + "\0"), wanted.namespace)
    return ListAnswer(kind, items, revision, token, None if wanted.selects else left)
