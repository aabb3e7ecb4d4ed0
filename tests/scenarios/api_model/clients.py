"""Those who use the API at once: writers, readers by pages, and watchers that come back when their stream ends."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec

from tests.scenarios.api_model.history import Got, History, Listed, Page, Watched, Written
from tests.scenarios.api_model.operations import COLORS, SHARDS, Operation, request
from tests.scenarios.api_model.server import Server
from tests.scenarios.api_model.truth import Event, Item, Object, Selection, item

ALL = "/apis/apps/v1/deployments"
AWAY = (aiohttp.ClientError, OSError, TimeoutError)
VERBS = {
    "create": 6, "replace": 5, "overwrite": 3, "merge": 6, "strategic": 3, "json": 3, "apply": 4, "status": 4,
    "put status": 2, "delete": 4, "rehearse": 1,
}  # fmt: skip
LAST_STREAM_SECONDS = 3


def selections(namespaces: Sequence[str], names: Sequence[str], chance: random.Random) -> list[Selection]:
    """A choice of everything, of namespaces, and of selectors whose objects come and go."""
    found = [Selection(), Selection(namespaces[0])]
    for color in COLORS:
        found += [
            Selection("", f"color={color}", "", lambda _, obj, color=color: _label(obj, "color") == color),
            Selection(namespaces[-1], f"color!={color}", "", lambda _, obj, color=color: _label(obj, "color") != color),
        ]
    for shard in map(str, range(SHARDS)):
        wanted = {shard, "0"}
        found.append(Selection("", f"shard={shard}", "", lambda _, obj, shard=shard: _label(obj, "shard") == shard))
        found.append(
            Selection(
                "",
                f"shard in ({shard},0),color in (red,blue)",
                "",
                lambda _, obj, wanted=frozenset(wanted): (
                    _label(obj, "shard") in wanted and _label(obj, "color") in ("red", "blue")
                ),
            )
        )
    for name in chance.sample(list(names), min(8, len(names))):
        found.append(
            Selection(namespaces[0], "", f"metadata.name={name}", lambda key, _, name=name: key.endswith(f"/{name}"))
        )
    return found


def _label(obj: Object, name: str) -> str:
    return str(obj["metadata"].get("labels", {}).get(name, ""))


class Clients:
    def __init__(self, server: Server, history: History, keys: Sequence[str], seed: int) -> None:
        self.server, self.history, self.keys = server, history, keys
        self.chance = random.Random(seed)
        namespaces = sorted({key.partition("/")[0] for key in keys})
        self.selections = selections(namespaces, sorted({key.partition("/")[2] for key in keys}), self.chance)
        self.written, self._parts = 0, asyncio.Condition()  # operations of all writers together
        self.quiet = asyncio.Event()  # set when nobody writes any more; `end` is then the newest revision
        self.end = 0

    async def _call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and body; (0, None) where no answer came, for which the server is waited for."""
        await self.server.up.wait()
        assert self.server.session is not None
        try:
            async with self.server.session.request(method, path, **more) as answer:
                return answer.status, msgspec.json.decode(await answer.read())
        except AWAY:
            return 0, None

    # Writers.

    async def write(self, operations: int) -> None:
        for _ in range(operations):
            verb = self.chance.choices(list(VERBS), list(VERBS.values()))[0]
            key = self.chance.choice(self.keys)
            op = Operation(self.history.number(), verb, key, self.chance.choice(COLORS), self.chance.randrange(5))
            await self._carry_out(op)
            async with self._parts:
                self.written += 1
                self._parts.notify_all()

    async def until_written(self, operations: int) -> None:
        async with self._parts:
            await self._parts.wait_for(lambda: self.written >= operations)

    async def _carry_out(self, op: Operation) -> None:
        current: Object | None = None
        if op.verb in ("replace", "json", "put status") or (op.verb == "delete" and self.chance.random() < 0.3):
            current = await self.get(op.key)
            if current is None:
                return
            if op.verb == "json":
                op.seen = current["metadata"]["annotations"]["op"]
            else:
                op.base = int(current["metadata"]["resourceVersion"])
        method, path, content_type, body = request(op, current)
        written = Written(op, self.history.ask())
        self.history.written.append(written)
        data = None if body is None else json.dumps(body)
        code, answer = await self._call(method, path, data=data, headers={"Content-Type": content_type})
        written.code = code if code < 500 else 0
        done = code in (200, 201)
        if done and op.verb == "delete":
            written.uid = answer["details"]["uid"]
        elif done and op.verb != "rehearse":
            written.item = item(answer)
        elif code:
            written.words = answer.get("message", "")
        self.history.answered(written.asked, written.item.revision if written.item else 0)

    async def get(self, key: str) -> Object | None:
        namespace, _, name = key.partition("/")
        got = Got(key, self.history.ask(), None)
        code, answer = await self._call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        if code not in (200, 404):
            return None
        got.item = item(answer) if code == 200 else None
        self.history.answered(got.asked, got.item.revision if got.item else 0)
        self.history.got.append(got)
        return answer if code == 200 else None

    # Readers.

    async def read(self) -> None:
        while not self.quiet.is_set():
            if self.chance.random() < 0.2:
                await self.get(self.chance.choice(self.keys))
            await self.list(self.chance.choice(self.selections), self.chance.choice((0, 0, 3, 7, 20)))
            await asyncio.sleep(self.chance.random() * 0.3)

    async def list(self, selection: Selection, limit: int) -> Listed | None:
        """All pages; None where the server went away meanwhile."""
        listed = Listed(selection, self.history.ask(), limit)
        known, asked = self.history.heard, dict(_query(selection))
        listed.least = known
        kind = self.chance.random()
        if kind < 0.1 and known:
            asked |= {"resourceVersion": str(known), "resourceVersionMatch": "Exact"}
            listed.exact = known
        elif kind < 0.2 and known:
            asked |= {"resourceVersion": str(known), "resourceVersionMatch": "NotOlderThan"}
        elif kind < 0.25:
            asked["resourceVersion"], listed.least, listed.limit = "0", 0, 0
            limit = 0
        if limit:
            asked["limit"] = str(limit)
        while True:
            code, answer = await self._call("GET", _path(selection), params=asked)
            if code != 200:
                assert code in (0, 503, 504), answer
                return None
            meta = answer["metadata"]
            page = Page([item(each) for each in answer["items"]], int(meta["resourceVersion"]),
                        meta.get("remainingItemCount"), "continue" in meta)  # fmt: skip
            listed.pages.append(page)
            if len(listed.pages) == 1:
                self.history.listed.append(listed)
                self.history.answered(listed.asked, page.revision)
            if not page.more:
                listed.complete = True
                return listed
            asked = {**_query(selection), "limit": str(limit), "continue": meta["continue"]}
            await asyncio.sleep(self.chance.random() * 0.1)

    # Watchers.

    async def watch(self) -> None:
        selection = self.chance.choice(self.selections)
        watched: Watched | None = None
        while True:
            if watched is None:
                watched = await self._begin(selection)
            elif await self._follow(watched):
                return
            if watched is not None and watched.ended:
                watched = None

    async def _begin(self, selection: Selection) -> Watched | None:
        if self.chance.random() < 0.5:
            listed = await self.list(selection, 0)
            watched = Watched(selection, listed.pages[0].revision) if listed else None
        else:
            watched = await self._begin_with_events(selection)
        if watched is not None:
            self.history.watched.append(watched)
        return watched

    async def _begin_with_events(self, selection: Selection) -> Watched | None:
        """What is there comes as events, and a bookmark after them tells of which revision it was."""
        asked = {**_query(selection), "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": "8"}
        least = 0
        if (chance := self.chance.random()) < 0.4:
            asked |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
            least = self.history.heard
        elif chance < 0.7:
            asked["resourceVersion"] = "0"
        start: list[Item] = []
        async for event in self._stream(selection, asked):
            if event.type == "BOOKMARK":
                assert event.revision >= least
                return Watched(selection, event.revision, start)
            if event.type == "ERROR":
                return None
            assert event.type == "ADDED" and event.object is not None
            start.append(Item(event.key, event.revision, event.object))
        return None

    async def _follow(self, watched: Watched) -> bool:
        """One stream, from what was heard last; True when all there will ever be has been heard."""
        reached = watched.events[-1].revision if watched.events else watched.since
        last = self.quiet.is_set()
        if last and reached >= self.end:
            return True
        seconds = LAST_STREAM_SECONDS if last else self.chance.choice((1, 2, 3))
        asked = {**_query(watched.selection), "watch": "1", "resourceVersion": str(reached)}
        asked["timeoutSeconds"] = str(seconds)
        if last or self.chance.random() < 0.5:
            asked["allowWatchBookmarks"] = "true"
        most = self.chance.choice((5, 50, 10_000))
        watched.streams += 1
        async for event in self._stream(watched.selection, asked):
            if event.type == "ERROR":
                watched.ended = event.revision == 410
                return False
            watched.events.append(event)
            self.history.heard = max(self.history.heard, event.revision)
            most -= 1
            if (most <= 0 and not last) or (last and event.revision >= self.end):
                break
        return False

    async def _stream(self, selection: Selection, asked: dict[str, str]) -> Any:
        await self.server.up.wait()
        assert self.server.session is not None
        try:
            async with self.server.session.get(_path(selection), params=asked) as answer:
                assert answer.status == 200, await answer.text()
                async for line in answer.content:
                    told = msgspec.json.decode(line)
                    yield _event(told["type"], told["object"])
        except AWAY:
            return


def _path(selection: Selection) -> str:
    return ALL.replace("/v1/", f"/v1/namespaces/{selection.namespace}/") if selection.namespace else ALL


def _query(selection: Selection) -> dict[str, str]:
    found = {"labelSelector": selection.labels, "fieldSelector": selection.fields}
    return {name: text for name, text in found.items() if text}


def _event(type_: str, obj: Object) -> Event:
    if type_ == "ERROR":
        assert obj["code"] in (410, 504), obj
        return Event(type_, obj["code"])
    if type_ == "BOOKMARK":
        return Event(type_, int(obj["metadata"]["resourceVersion"]))
    return Event(type_, *_reordered(item(obj)))


def _reordered(found: Item) -> tuple[int, str, Object]:
    return found.revision, found.key, found.object
