"""Objects written: the one road that every change of every kind takes.

    create  default → who owns what → admit → prepare → validate → write if the key is absent
    update  ┌▶ read → change → default → who owns what → admit → prepare → validate → write if unchanged ─┐
            └───────────────── somebody wrote in between: again with what is there now ◀─────────────────┘
    delete  ┌▶ read → preconditions → decide → write or remove if unchanged since the read ─┐
            └────────────────────────────── again ◀─────────────────────────────────────────┘

A write returns once the watch cache has it, so that whoever asks next sees it.
Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from apiserver import managedfields
from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind, Ranges, Subresource
from apiserver.managedfields.elsewhere import Elsewhere
from apiserver.objects import deletion, keys, objectmeta, objectstore
from apiserver.objects.cached import Cached, decode, encode, head, shown
from apiserver.objects.deletion import DeleteOptions, Step
from apiserver.objects.feed import Feed
from apiserver.objects.objectstore import ObjectStore
from apiserver.objects.otherversions import decided
from apiserver.options import parse_version
from apiserver.refusal import Unexplained
from apiserver.request import User
from apiserver.schema.empties import Empties
from podling.api import errors
from podling.api.field import FieldError
from podling.api.meta import timestamp
from podling.loop.clock import Clock
from podling.storage import Storage, Written

Object = dict[str, Any]
Change = Callable[[Object], Awaitable[Object]]


class AdmissionChain(Protocol):
    async def admit(self, write: Admission) -> None: ...

    async def validate(self, write: Admission) -> None: ...


NAME_ATTEMPTS = 8


@dataclass(slots=True)
class Write:
    """Who writes, and how. `warnings` collects what the writer should be told."""

    user: User
    manager: str = "unknown"
    subresource: str = ""
    dry_run: bool = False
    tracked: bool = True  # False: the change has seen to managedFields itself (server-side apply)
    raw: bool = False  # True: the server's own step (binding): no admission, no owner, no new generation
    options: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)  # of the audit log, where there is one
    empties: Empties = field(default_factory=Empties)  # what defaults and rules see of the new object besides


RANGES = Ranges()
SERVER = User("system:apiserver", ("system:masters",))


def by_server() -> Write:
    """What the API server itself writes."""
    return Write(SERVER, "kube-apiserver")


class Deleted(NamedTuple):
    cached: Cached
    step: Step


class Registry:
    def __init__(
        self, storage: Storage, feed: Feed, admission: AdmissionChain, clock: Clock, ranges: Ranges = RANGES
    ) -> None:
        self.objects, self.feed, self.admission, self.clock = ObjectStore(storage, clock), feed, admission, clock
        self._ranges, self._allocating = ranges, asyncio.Lock()
        self._allocated_now: dict[object, Object] = {}  # of writes under way

    async def get(self, kind: Kind, namespace: str, name: str, at_least: int | None = None) -> Cached:
        """The object, as new as everything written so far; or, with `at_least`, as new as that version."""
        await (self.feed.fresh() if at_least is None else self.feed.reach(at_least))
        found = self.feed.of(kind).get(namespace, name)
        if found is None:
            raise errors.not_found(kind.home.resource, name)
        return await _as(kind, found)

    async def create(self, kind: Kind, namespace: str, body: Object, write: Write | None = None) -> Cached:
        """`body` is the caller's own and is changed. Raises `AlreadyExists`, `Invalid`, what admission raises."""
        write = write or by_server()
        meta = body.setdefault("metadata", {})
        if meta.get("resourceVersion"):
            raise Unexplained("resourceVersion should not be set on objects to be created")
        if kind.namespaced:
            meta["namespace"] = namespace
        if meta.get("name") or not meta.get("generateName"):
            return await self._create(kind, body, write)
        for _ in range(NAME_ATTEMPTS - 1):
            try:
                return await self._create(kind, decode(encode(body)), write)
            except errors.AlreadyExists:
                continue
        try:
            return await self._create(kind, decode(encode(body)), write)
        except errors.AlreadyExists as error:
            words = f"{error.message}, the server was not able to generate a unique name for the object"
            raise errors.AlreadyExists(words, {**(error.details or {}), "retryAfterSeconds": 1}) from None

    @contextlib.asynccontextmanager
    async def _allocated(self, kind: Kind, new: Object, old: Object | None) -> AsyncIterator[None]:
        """What no two objects may have (the addresses of services) is this one's, until it is written or refused."""
        if kind.allocate is None:
            yield
            return
        mark = object()
        async with self._allocating:
            await self.feed.fresh()
            own = new["metadata"]["uid"]
            there = (each.object for each in self.feed.of(kind).objects.values())
            others = (each for each in (*there, *self._allocated_now.values()) if each["metadata"]["uid"] != own)
            _refuse(kind, new["metadata"], kind.allocate(new, old, others, self._ranges))
            self._allocated_now[mark] = new
        try:
            yield
        finally:
            del self._allocated_now[mark]

    async def _create(self, kind: Kind, body: Object, write: Write) -> Cached:
        meta = body["metadata"]
        now = timestamp(self.clock.now())
        objectmeta.begin(meta)
        with write.empties.seen(body):
            kind.default(body)
        if write.tracked:
            await _track(kind, body, None, write, now)
        admission = self._admission("CREATE", kind, body, None, write)
        await self._admit(admission, write)
        objectmeta.dedup_owners(meta, write.warnings, mutated=True)
        objectmeta.stamp(meta, str(uuid.uuid4()), now)
        admission.name = meta.get("name", "")
        kind.prepare_create(body)
        if kind.generation:
            meta["generation"] = 1
        async with self._allocated(kind, body, None):
            with write.empties.seen(body):
                found = objectmeta.validate(meta, kind) + kind.validate(body) + kind.validate_create(body)
            _refuse(kind, meta, found)
            await self._admit_valid(admission, write)
            write.warnings += kind.warn(body)
            written = await self.objects.put(kind, body, 0, dry_run=write.dry_run)
            if written.succeeded:
                return await self._written(kind, body, written, write)
        taken = errors.already_exists(kind.home.resource, meta["name"])
        current = objectstore.found(kind, written.current)
        if current and current.metadata.get("deletionTimestamp"):
            raise errors.AlreadyExists(f"object is being deleted: {taken.message}", taken.details)
        raise taken

    async def update(  # noqa: PLR0917
        self, kind: Kind, namespace: str, name: str, change: Change, write: Write, sub: Subresource | None = None
    ) -> Cached:
        """`change` gets its own copy of what is there and gives the object wanted; it may be asked more than once."""
        await self.feed.fresh()
        current = self.feed.of(kind).get(namespace, name)
        while current is not None:
            seen = await _as(kind, current)
            async with contextlib.AsyncExitStack() as held:
                new = await self._changed(kind, seen, change, write, sub, held)
                kept = new == seen.object and (seen is current or await objectstore.is_kept(kind, new, current))
                if kept and not self.objects.is_stale(kind, current):
                    return seen
                if deletion.goes_with_update(kind, new, seen.object):
                    written = await self.objects.remove(kind, current, dry_run=write.dry_run)
                else:
                    written = await self.objects.put(kind, new, current.revision, dry_run=write.dry_run)
                if written.succeeded:
                    return await self._written(kind, new, written, write)
            current = objectstore.found(kind, written.current)
        raise errors.not_found(kind.home.resource, name)

    async def _changed(  # noqa: PLR0917
        self,
        kind: Kind,
        current: Cached,
        change: Change,
        write: Write,
        sub: Subresource | None,
        held: contextlib.AsyncExitStack,
    ) -> Object:
        old = current.object
        new = await change(current.copy())
        meta = new["metadata"]
        _check_version(kind, current, meta)
        objectmeta.carry_over(meta, old["metadata"])
        with write.empties.seen(new):
            kind.default(new)
        if write.tracked and not write.raw:
            await _track(kind, new, old, write, "" if sub and sub.view else timestamp(self.clock.now()))
        admission = self._admission("UPDATE", kind, new, old, write)
        await self._admit(admission, write)
        objectmeta.dedup_owners(meta, write.warnings, mutated=True)
        prepare = sub.prepare_update if sub else kind.prepare_update
        if prepare is not None:
            prepare(new, old)
        if not write.raw and _counts(kind, new, old):
            meta["generation"] = old["metadata"].get("generation", 0) + 1
        if sub is None:
            await held.enter_async_context(self._allocated(kind, new, old))
        # Kubernetes asks the rules of metadata in general and once more for the kind, and says so twice.
        of_meta = objectmeta.validate_update(meta, old["metadata"])
        found = objectmeta.validate_any(meta) + of_meta + of_meta + objectmeta.kube_finalizers(meta, kind)
        with write.empties.seen(new):
            if sub:
                found += sub.validate_update(new, old)
            else:
                found += objectmeta.validate(meta, kind) + kind.validate(new) + kind.validate_update(new, old)
        _refuse(kind, meta, found)
        await self._admit_valid(admission, write)
        told = sub.warn(new) if sub else kind.warn_update(new, old) if kind.warn_update else kind.warn(new)
        write.warnings += [words for words in told if words not in write.warnings]
        if not write.tracked:
            managedfields.keep_times(new, old)
        return new

    async def delete(
        self, kind: Kind, namespace: str, name: str, options: DeleteOptions, write: Write | None = None
    ) -> Deleted:
        """The object as it went, or as it waits to go."""
        write = write or by_server()
        write.dry_run = write.dry_run or options.dry_run
        await self.feed.fresh()
        found = self.feed.of(kind).get(namespace, name)
        admitted = False
        while found is not None:
            current = await _as(kind, found)
            deletion.check_preconditions(kind, current.object, options)
            if not admitted and not write.raw:
                admission = self._admission("DELETE", kind, None, current.object, write)
                admission.options = options.body()
                await self._admit(admission, write)
                await self._admit_valid(admission, write)
                admitted = True
            body = current.copy()
            step = deletion.decide(kind, body, options, self.clock.now())
            if step is Step.WAIT:
                return Deleted(current, step)
            if step is Step.GO:
                written = await self.objects.remove(kind, current, dry_run=write.dry_run)
            else:
                written = await self.objects.put(kind, body, current.revision, dry_run=write.dry_run)
            if not written.succeeded:
                found = objectstore.found(kind, written.current)
                continue
            if step is Step.GO:
                await self._settled(written)
                return Deleted(current, step)
            current = await self._written(kind, body, written, write)
            if step is Step.MARK_AND_GO:
                await self._settled(await self.objects.remove(kind, current, dry_run=write.dry_run))
            return Deleted(current, step)
        raise errors.not_found(kind.home.resource, name)

    async def _written(self, kind: Kind, body: Object, written: Written, write: Write) -> Cached:
        meta = body["metadata"]
        namespace = meta.get("namespace", "")
        if not write.dry_run:
            await self._settled(written)
            found = self.feed.of(kind).get(namespace, meta["name"])
            if found is not None and found.revision == written.revision:
                return await _as(kind, found)
        return Cached(kind, head(kind), keys.relative(kind, namespace, meta["name"]), body, written.revision)

    async def _settled(self, written: Written) -> None:
        with contextlib.suppress(errors.Timeout):  # what is written is written, even if the watch is behind
            await self.feed.reach(written.revision)

    def _admission(self, operation: str, kind: Kind, new: Object | None, old: Object | None, write: Write) -> Admission:
        meta = (new or old or {})["metadata"]
        return Admission(
            operation=operation,
            kind=kind,
            subresource=write.subresource,
            namespace=meta.get("namespace", ""),
            name=meta.get("name", ""),
            user=write.user,
            object=new,
            old=old,
            options=write.options,
            dry_run=write.dry_run,
            warnings=write.warnings,
            annotations=write.annotations,
        )

    async def _admit(self, admission: Admission, write: Write) -> None:
        if not write.raw:
            await self.admission.admit(admission)

    async def _admit_valid(self, admission: Admission, write: Write) -> None:
        if not write.raw:
            await self.admission.validate(admission)


async def _as(kind: Kind, found: Cached) -> Cached:
    """As the version shows it that was asked for."""
    return (await shown(kind, [found]))[0]


def _counts(kind: Kind, new: Object, old: Object) -> bool:
    """Is this a change that metadata.generation counts?"""
    return any(_part(new, path) != _part(old, path) for path in kind.generation)


def _part(obj: Object, path: str) -> Any:
    found: Any = obj
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


async def _track(kind: Kind, new: Object, old: Object | None, write: Write, now: str) -> None:
    def track(elsewhere: Elsewhere) -> None:
        managedfields.track(
            new,
            old,
            manager=write.manager,
            api_version=kind.api_version,
            subresource=write.subresource,
            schema=kind.schema,
            now=now,
            elsewhere=elsewhere,
        )

    await decided(kind, track, new, old)


def _refuse(kind: Kind, meta: Object, found: list[FieldError]) -> None:
    if found:
        raise errors.invalid(kind.home.group, kind.kind, meta.get("name", ""), found)


def _check_version(kind: Kind, current: Cached, meta: Object) -> None:
    """Has anybody written since the writer read?"""
    old = current.metadata
    try:
        version = parse_version(meta.get("resourceVersion") or "0")  # a zero says nothing
    except ValueError as error:
        raise Unexplained(str(error)) from None
    if not version and not kind.unconditional_update:
        words = "Invalid value: 0: must be specified for an update"
        wrong = FieldError("FieldValueInvalid", "metadata.resourceVersion", words)
        raise errors.invalid(kind.home.group, kind.plural, old["name"], [wrong])
    if version and version != current.revision:
        raise errors.conflict(kind.home.resource, old["name"])
    meta["resourceVersion"] = old["resourceVersion"]
