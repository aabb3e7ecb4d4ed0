"""One object at one revision with its bytes, and one change of one: what the watch cache keeps and the faces send.

Objects are shared: whoever wants to change one decodes `Cached.copy()`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from apiserver.kinds.kind import Kind

Object = dict[str, Any]

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def head(kind: Kind) -> bytes:
    """How the JSON of every object of a kind starts; a list's items leave it out."""
    return b'{"kind":%s,"apiVersion":%s,' % (encode(kind.kind), encode(kind.api_version))


class Cached:
    """One object at one revision. Its JSON is `head + tail`; an item of a list is `{` + tail."""

    __slots__ = ("_fields", "head", "key", "kind", "object", "revision", "tail")

    def __init__(self, kind: Kind, start: bytes, key: str, body: Object, revision: int) -> None:
        self.kind, self.head, self.key, self.object, self.revision = kind, start, key, body, revision
        if revision:  # 0: was never written, a dry run's
            body["metadata"]["resourceVersion"] = str(revision)
        self.tail = encode({name: value for name, value in body.items() if name not in ("kind", "apiVersion")})[1:]
        self._fields: Mapping[str, str] | None = None

    @property
    def encoded(self) -> bytes:
        return self.head + self.tail

    @property
    def item(self) -> bytes:
        return b"{" + self.tail

    @property
    def metadata(self) -> Object:
        return self.object["metadata"]  # type: ignore[no-any-return]

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

    def at(self, revision: int) -> "Cached":
        """The same object, stamped with a later revision: what a DELETED event carries."""
        return Cached(self.kind, self.head, self.key, self.copy(), revision)


class Change:
    """One write of one object. `current` is None when it was deleted, `previous` when it was created."""

    __slots__ = ("_gone", "current", "forms", "previous", "revision")

    def __init__(self, revision: int, current: Cached | None, previous: Cached | None) -> None:
        self.revision, self.current, self.previous = revision, current, previous
        self.forms: dict[tuple[str, str], bytes] = {}  # (form, event type) to bytes, filled by whoever first needs one
        self._gone: Cached | None = None

    @property
    def gone(self) -> Cached:
        """The previous object at this revision."""
        if self._gone is None:
            assert self.previous is not None
            self._gone = self.previous.at(self.revision)
        return self._gone
