"""One object at one revision with its bytes, and one change of one: what the watch cache keeps and the faces send.

Objects are shared: whoever wants to change one decodes `Cached.copy()`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from apiserver.kinds.kind import Kind

Object = dict[str, Any]

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def head(kind: Kind, api_version: str = "") -> bytes:
    """How the JSON of every object of a kind starts; a list's items leave it out."""
    return b'{"kind":%s,"apiVersion":%s,' % (encode(kind.kind), encode(api_version or kind.api_version))


NOTHING: Mapping[str, str] = {}


class Cached:
    """One object at one revision. Its JSON is `head + tail`; an item of a list is `{` + tail."""

    __slots__ = ("_as", "_fields", "_shown", "head", "key", "kind", "labels", "metadata", "object", "revision", "tail")

    def __init__(self, kind: Kind, start: bytes, key: str, body: Object, revision: int) -> None:
        self.kind, self.head, self.key, self.object, self.revision = kind, start, key, body, revision
        self.metadata: Object = body["metadata"]
        if revision:  # 0: was never written, a dry run's
            self.metadata["resourceVersion"] = str(revision)
        self.labels: Mapping[str, str] = self.metadata.get("labels") or NOTHING
        self.tail = encode({name: value for name, value in body.items() if name not in ("kind", "apiVersion")})[1:]
        self._fields: Mapping[str, str] | None = None
        self._shown: dict[str, Cached] = {}
        self._as: Kind | None = None  # set: this was made of a stored object, in that version

    @property
    def encoded(self) -> bytes:
        return self.head + self.tail

    @property
    def fields(self) -> Mapping[str, str]:
        """What field selectors read."""
        if self._fields is None:
            named = {"metadata.name": self.metadata["name"], "metadata.namespace": self.metadata.get("namespace", "")}
            self._fields = {**self.kind.selectable(self.object), **named}
        return self._fields

    def copy(self) -> Object:
        """A fresh object that its owner may change."""
        return decode(self.encoded)  # type: ignore[no-any-return]

    def shown(self, kind: Kind) -> "Cached | None":
        """This object in another version, where it was made before; a kind that was redefined makes it anew."""
        if kind.versions is None or self._as is kind or (kind.versions.exact and self.api_version == kind.api_version):
            return self
        made = self._shown.get(kind.api_version)
        return made if made is not None and made._as is kind else None

    def show(self, kind: Kind, body: Object) -> "Cached":
        made = self._shown[kind.api_version] = Cached(kind, head(kind), self.key, body, self.revision)
        made._as = kind
        return made

    @property
    def api_version(self) -> str:
        """Of what is stored: custom objects stay in the version that was the stored one when they were written."""
        return str(self.object.get("apiVersion"))

    def at(self, revision: int) -> "Cached":
        """The same object, stamped with a later revision: what a DELETED event carries."""
        return Cached(self.kind, self.head, self.key, self.copy(), revision)


@lru_cache(maxsize=1024)
def _owned(encoded: bytes) -> Object:
    """A set of fields. What one manager makes a thousand times has the same fields a thousand times: they are kept
    once, being half of what an object takes in memory."""
    return decode(encoded)  # type: ignore[no-any-return]


def stored(kind: Kind, start: bytes, key: str, value: bytes, revision: int) -> Cached:
    """What the store holds; in the version that it was written in."""
    body = decode(value)
    for entry in body["metadata"].get("managedFields") or ():
        if "fieldsV1" in entry:
            entry["fieldsV1"] = _owned(encode(entry["fieldsV1"]))
    if kind.versions is not None and body["apiVersion"] != kind.api_version:
        start = head(kind, body["apiVersion"])
    return Cached(kind, start, key, body, revision)


async def shown(kind: Kind, found: Sequence[Cached]) -> list[Cached]:
    """Each in the version of `kind`. Conversion runs once an object and version, whoever asks how often."""
    missing = [cached for cached in found if cached.shown(kind) is None]
    if missing:
        assert kind.versions is not None
        made = await kind.versions.convert([cached.object for cached in missing], kind)
        for cached, body in zip(missing, made, strict=True):
            cached.show(kind, body)
    return [cached.shown(kind) or cached for cached in found]


class Change:
    """One write of one object. `current` is None when it was deleted, `previous` when it was created."""

    __slots__ = ("_gone", "current", "previous", "revision", "seen")

    def __init__(self, revision: int, current: Cached | None, previous: Cached | None) -> None:
        self.revision, self.current, self.previous = revision, current, previous
        self.seen: dict[str, Any] = {}  # event type to the event, for all who watch; filled by whoever first needs one
        self._gone: Cached | None = None

    @property
    def gone(self) -> Cached:
        """The previous object at this revision."""
        if self._gone is None:
            assert self.previous is not None
            self._gone = self.previous.at(self.revision)
        return self._gone
