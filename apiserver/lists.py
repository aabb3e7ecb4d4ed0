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

from collections.abc import Callable, Iterable, Iterator, Sequence

from apiserver import continuation
from apiserver.answer import ListAnswer
from apiserver.cached import Cached, shown, stored
from apiserver.continuation import Token
from apiserver.feed import Feed
from apiserver.kinds.kind import Kind
from apiserver.options import ListOptions, parse_version
from apiserver.refusal import Unexplained
from apiserver.watchcache import UNREADABLE, KindCache
from apiserver.watcher import Filter, Watcher
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
        wanted = options.filter(namespace)
        if options.continue_:
            return await self._continued(kind, wanted, options)
        revision = _version(options.resource_version)
        exact = options.match == "Exact" or (options.limit > 0 and revision > 0 and not options.match)
        if exact:
            found = await self._at(kind, wanted, Token(revision, ""), lambda: errors.Expired(continuation.LIST_TOO_OLD))
            return _page(kind, wanted, found, revision, options.limit)
        if options.resource_version == "":
            revision = await self.feed.fresh()
        else:
            await self.feed.reach(revision)
            revision = self.feed.revision
        limit = 0 if options.resource_version == "0" else options.limit
        return _page(kind, wanted, self.feed.of(kind).select(wanted), revision, limit)

    async def _continued(self, kind: Kind, wanted: Filter, options: ListOptions) -> ListAnswer:
        token = continuation.read(options.continue_)
        if options.resource_version not in ("", "0"):
            raise errors.BadRequest("specifying resource version is not allowed when using continue")
        if token.revision > 0:
            found = await self._at(kind, wanted, token, lambda: continuation.expired(token))
            return _page(kind, wanted, found, token.revision, options.limit)
        revision = await self.feed.fresh()
        rest = (cached for cached in self.feed.of(kind).select(wanted) if cached.key >= token.start)
        return _page(kind, wanted, rest, revision, options.limit)

    async def _at(
        self, kind: Kind, wanted: Filter, token: Token, gone: Callable[[], errors.Expired]
    ) -> Iterable[Cached]:
        """The state at the token's revision, from its key on."""
        revision, start = token
        await self.feed.reach(revision)
        cache = self.feed.of(kind)
        if cache.changed <= revision:
            return [cached for cached in cache.select(wanted) if cached.key >= start]
        try:
            return [cached for cached in await self._stored(cache, revision, start) if wanted.matches(cached)]
        except Compacted:
            raise gone() from None
        except StorageError as error:
            raise errors.ServiceUnavailable(f"the store is not available: {error}") from error

    async def _stored(self, cache: KindCache, revision: int, start: str) -> Sequence[Cached]:
        prefix = cache.prefix.encode()
        at, end = prefix + start.encode(), prefix_end(prefix)
        found: list[Cached] = []
        while True:
            page = await self.feed.storage.range(at, end, revision=revision, limit=PAGE)
            for kv in page.kvs:
                try:
                    key = kv.key[len(prefix) :].decode()
                    found.append(stored(cache.kind, cache.head, key, kv.value, kv.mod_revision))
                except UNREADABLE:
                    continue
            if len(page.kvs) < PAGE:
                return found
            at = page.kvs[-1].key + b"\0"

    async def watch(self, kind: Kind, namespace: str, name: str, options: ListOptions) -> Watcher:
        """A watcher with what comes first already in it; raises `Expired` for a version that is forgotten."""
        wanted = Filter(namespace, name, options.labels, options.fields)
        try:
            after = parse_version(options.resource_version or "0")
        except ValueError as error:
            value = show(options.resource_version)
            raise Unexplained(f"resourceVersion: Invalid value: {value}: {error}") from None
        cache = self.feed.of(kind)
        if after and not options.send_initial:
            await self.feed.reach(0)
            return cache.watch(wanted, after)
        await (self.feed.reach(after) if options.resource_version else self.feed.fresh())
        watcher = cache.watch(wanted, cache.changed)
        if options.send_initial is not False:
            watcher.start_with(cache.select(wanted))
        if options.send_initial and options.bookmarks:
            watcher.mark(self.feed.revision)
        return watcher


def _version(text: str) -> int:
    try:
        return parse_version(text or "0")
    except ValueError as error:
        raise errors.BadRequest(
            f"invalid resource version: resourceVersion: Invalid value: {show(text)}: {error}"
        ) from None


def _page(kind: Kind, wanted: Filter, found: Iterable[Cached], revision: int, limit: int) -> ListAnswer:
    if limit <= 0:
        return ListAnswer(kind, list(found), revision)
    rest: Iterator[Cached] = iter(found)
    items: list[Cached] = []
    for cached in rest:
        if len(items) == limit:
            token = continuation.write(Token(revision, items[-1].key + "\0"))
            remaining = None if wanted.labels or wanted.fields else 1 + sum(1 for _ in rest)
            return ListAnswer(kind, items, revision, token, remaining)
        items.append(cached)
    return ListAnswer(kind, items, revision)
