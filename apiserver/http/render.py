"""Answers as bytes, in the form that was negotiated. Pure: bytes that exist already are joined, not made again."""

from collections.abc import Sequence
from typing import Any

import msgspec

from apiserver.answer import Answer, ListAnswer
from apiserver.http import table, yamltext
from apiserver.http.negotiate import YAML, Form
from apiserver.kinds.kind import Kind, Object
from apiserver.objects.cached import Cached, encode, head
from apiserver.objects.watcher import Seen
from podling.api.errors import NotAcceptable

INITIAL_END = {"k8s.io/initial-events-end": "true"}


def body(value: Any, form: Form) -> bytes:
    """Any JSON value."""
    if form.media == YAML:
        return yamltext.dump(value)
    return _json(encode(value), form)


def _json(raw: bytes, form: Form) -> bytes:
    return (msgspec.json.format(raw, indent=2) if form.pretty else raw) + b"\n"


def answer(found: Answer, form: Form, included: str) -> bytes:
    kind = found.kind
    if kind is None or not form.as_:
        if found.cached is not None and form.media != YAML:
            return _json(found.cached.encoded, form)
        return body(found.object, form)
    if form.as_ == "PartialObjectMetadataList":
        why = f"you requested {form.as_}, but the requested object is not a list ({_go_type(kind)})"
        raise NotAcceptable(why)
    if form.as_ == "Table":
        meta = {"resourceVersion": found.object["metadata"].get("resourceVersion", "")}
        return body(table.table(kind, [found.object], form.version, included, meta), form)
    return body(table.metadata_only(kind, found.object, form.version), form)


def _go_type(kind: Kind, suffix: str = "") -> str:
    if kind.custom:
        return f"*unstructured.Unstructured{suffix}"
    group = "" if kind.kind == "Event" else kind.group.partition(".")[0]  # events of both groups are one type
    return f"*{group or 'core'}.{kind.kind}{suffix}"


def items(found: ListAnswer, form: Form, included: str) -> bytes:
    kind = found.kind
    if form.as_ == "PartialObjectMetadata":
        why = f"you requested {form.as_}, but the requested object is a list ({_go_type(kind, 'List')})"
        raise NotAcceptable(why)
    meta: dict[str, Any] = {"resourceVersion": str(found.revision)} if found.revision else {}
    if found.continue_ or (kind.custom and not form.as_):
        meta["continue"] = found.continue_
    if found.remaining is not None:
        meta["remainingItemCount"] = found.remaining
    bodies = [cached.object for cached in found.items]
    if form.as_ == "Table":
        return body(table.table(kind, bodies, form.version, included, meta), form)
    if form.as_:
        made = [table.metadata_only(kind, each, form.version) for each in bodies]
        named = {"kind": form.as_, "apiVersion": f"meta.k8s.io/{form.version}"}
        return body({**named, "metadata": meta, "items": made or None}, form)
    start = b'{"kind":%s,"apiVersion":%s,"metadata":%s,"items":[' % (
        encode(kind.list_kind or f"{kind.kind}List"),
        encode(kind.api_version),
        encode(meta),
    )
    joined = b"".join((start, _items(kind, found.items), b"]}\n"))
    if form.media == YAML or form.pretty:
        return body(msgspec.json.decode(joined), form)
    return joined


def _items(kind: Kind, found: Sequence[Cached]) -> bytes:
    """Custom objects say their kind in lists, too."""
    if kind.custom:
        return b",".join([cached.encoded for cached in found])
    return b"{" + b",{".join([cached.tail for cached in found]) if found else b""


class EventWriter:
    """The events of one watch, as objects or as lines. A change is encoded once for all watches of the same form."""

    def __init__(self, kind: Kind, form: Form, included: str) -> None:
        self.kind, self.form, self.included = kind, form, included
        self._with_columns = True
        self._name = f"{form.as_}/{form.version}"

    def line(self, event: Seen) -> bytes:
        forms = event.forms
        if forms is None or self.form.as_ == "Table" or self.kind.versions is not None:
            # A table's ages differ from moment to moment; a kind of several versions has an object for each.
            return _line(event.type, self.object(event))
        found = forms.get(self._name)
        if found is None:
            found = forms[self._name] = _line(event.type, self.object(event))
        return found

    def object(self, event: Seen) -> bytes:
        cached = event.cached
        if event.status is not None:
            return encode(event.status)
        if cached is None:
            return self._bookmark(event.revision, INITIAL_END)
        if not self.form.as_:
            return cached.encoded
        if self.form.as_ != "Table":
            return encode(table.metadata_only(self.kind, cached.object, self.form.version))
        return self._table([cached.object], {"resourceVersion": str(cached.revision)})

    def bookmark(self, revision: int) -> bytes:
        return _line("BOOKMARK", self.bookmark_object(revision))

    def bookmark_object(self, revision: int) -> bytes:
        return self._bookmark(revision, None)

    def _bookmark(self, revision: int, annotations: dict[str, str] | None) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(revision)}
        if annotations:
            meta["annotations"] = annotations
        if self.form.as_ == "Table":
            empty = {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": meta}
            return self._table([empty], {"resourceVersion": str(revision)})
        if self.form.as_:
            return encode(table.metadata_only(self.kind, {"metadata": meta}, self.form.version))
        return b'%s"metadata":%s}' % (head(self.kind), encode(meta))

    def _table(self, bodies: list[Object], meta: dict[str, Any]) -> bytes:
        """Only the first of a watch's tables has its columns."""
        columns, self._with_columns = self._with_columns, False
        return encode(table.table(self.kind, bodies, self.form.version, self.included, meta, columns=columns))


def _line(type_: str, encoded: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), encoded)
