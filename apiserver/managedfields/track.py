"""Ownership after creates, updates and patches."""

from typing import Any

from apiserver.managedfields import entries
from apiserver.managedfields.compare import Comparison, compare
from apiserver.managedfields.elsewhere import NOWHERE, Elsewhere, compared
from apiserver.managedfields.entries import UPDATE, BadEntries, Managed, Manager
from apiserver.managedfields.ignored import ignored_fields
from apiserver.managedfields.shape import SchemaError, shape_of
from apiserver.managedfields.skeleton import skeleton
from apiserver.managedfields.update import update
from apiserver.schema.schema import Schema

Object = dict[str, Any]

MOST_NAME_BYTES = 128


def track(
    new: Object,
    old: Object | None,
    *,
    manager: str,
    operation: str = UPDATE,
    api_version: str,
    subresource: str = "",
    schema: Schema,
    now: str,
    elsewhere: Elsewhere = NOWHERE,
) -> None:
    """Set `new`'s managedFields from `old`'s (None: a create) and what changed, in place.

    Call it with the decoded and defaulted object, before admission and before the kind resets fields. `now` is a Time.
    An object whose list was emptied is tracked again only from its first apply on.
    """
    meta = new.setdefault("metadata", {})
    given = meta.pop("managedFields", None)
    before = (old or {}).get("metadata", {}).get("managedFields")
    forged = bool(given) and given != before and not subresource and not _is_reset(given)
    managed = _decoded(given) if forged else {}
    if old is not None and not managed and (not before or (_is_reset(given) and not subresource)):
        return  # nobody is tracked
    live = _without_entries(old) if old is not None else skeleton(new, schema)
    try:
        found = compare(live, new, shape_of(schema)).without(ignored_fields(schema, subresource))
    except SchemaError:
        found = Comparison()
    if not found and not managed:
        _set(meta, before)
        return
    who = Manager(manager or "unknown", operation, api_version, subresource)
    seen = compared(live, new, api_version, found, subresource, elsewhere) if found else None
    managed = update(managed or entries.decode_own(before), found, who, api_version, now, seen)
    _set(meta, entries.encode(managed))


def _set(meta: Object, listed: Any) -> None:
    if listed:
        meta["managedFields"] = listed


def _is_reset(given: Any) -> bool:
    return given is not None and entries.is_reset(given)


def _decoded(found: Any) -> Managed:
    try:
        return entries.decode(found)
    except BadEntries:
        return {}


def _without_entries(found: Object) -> Object:
    meta = {key: value for key, value in found.get("metadata", {}).items() if key != "managedFields"}
    return {**found, "metadata": meta}


def keep_times(new: Object, old: Object) -> None:
    """Where nothing but the times of managedFields differs, put the old times back: then nothing needs writing."""
    if new.get("metadata", {}).get("managedFields") == old.get("metadata", {}).get("managedFields"):
        return
    if _timeless(new) == _timeless(old):
        new["metadata"]["managedFields"] = old["metadata"]["managedFields"]


def _timeless(found: Object) -> Object:
    meta = dict(found.get("metadata", {}))
    listed = [{**entry, "time": None} for entry in meta.get("managedFields") or ()]
    return {**found, "metadata": {**meta, "managedFields": listed}}


def manager_name(field_manager: str, user_agent: str) -> str:
    """Who writes: the parameter, else the user agent up to its first slash, printable and at most 128 bytes."""
    if field_manager:
        return field_manager
    name = ""
    for letter in user_agent.split("/", 1)[0]:
        if len((name + letter).encode()) > MOST_NAME_BYTES:
            break
        name += letter if letter.isprintable() else ""
    return name or "unknown"
