"""Server-side apply: a configuration merged into the live object, with its fields owned by the applier.

    merge      the configuration wins, nothing goes away
    prune      what this manager applied last time and no longer mentions goes, unless another manager owns it
    conflict   fields of other managers that would change are refused, or with force taken

Source: structured-merge-diff, merge/update.go; apimachinery's field manager chain around it.
"""

from typing import Any

from apiserver.managedfields import entries
from apiserver.managedfields.compare import compare
from apiserver.managedfields.conflict import Conflicts
from apiserver.managedfields.elsewhere import NOWHERE, Compared, Elsewhere, Places, compared
from apiserver.managedfields.entries import APPLY, UPDATE, BadEntries, Managed, Manager, Owned
from apiserver.managedfields.fieldset import EMPTY, FieldSet
from apiserver.managedfields.ignored import ignored_fields
from apiserver.managedfields.lastapplied import allowed_conflicts, refresh
from apiserver.managedfields.mentioned import fields_of, with_parents
from apiserver.managedfields.merge import merge
from apiserver.managedfields.remove import remove, typed_copy
from apiserver.managedfields.shape import SchemaError, Shape, shape_of
from apiserver.managedfields.skeleton import skeleton
from apiserver.managedfields.typed import misfit
from apiserver.managedfields.update import STRIPPED, taken, update
from apiserver.refusal import Unexplained
from apiserver.schema.schema import Schema
from podling.api.errors import BadRequest

Object = dict[str, Any]


def apply(
    live: Object | None,
    config: Object,
    *,
    manager: str,
    force: bool,
    api_version: str,
    subresource: str = "",
    schema: Schema,
    now: str,
    kind: str = "",
    elsewhere: Elsewhere = NOWHERE,
) -> Object:
    """The merged object with its managedFields; `live` None is a create. Neither argument is changed.

    The answer is to be decoded, defaulted and prepared like the body of an update; afterwards `track.keep_times`
    tells a repeated apply from a change. Raises Conflict with its causes; BadRequest for a wrong kind (where `kind`
    is given) or a configuration with managedFields; Unexplained for one that does not fit the schema.
    """
    check_config(config, api_version, kind, schema)
    shape = shape_of(schema)
    who = Manager(manager, APPLY, "", subresource)
    ignored = ignored_fields(schema, subresource)
    act = _Apply(
        live, config, who=who, api_version=api_version, elsewhere=elsewhere, shape=shape, ignored=ignored, now=now
    )
    try:
        managed = entries.decode((live or {}).get("metadata", {}).get("managedFields"))
        if not managed and live is not None:
            found = compare(skeleton(live, schema), act.live, shape).without(ignored)
            before = Manager("before-first-apply", UPDATE, api_version, subresource)
            managed = update({}, found, before, api_version, now)
        return act.run(managed, force)
    except BadEntries as wrong:
        raise Unexplained(f"failed to decode managed fields: {wrong}") from wrong
    except SchemaError as wrong:
        raise Unexplained(f"failed to merge config: {wrong}") from wrong
    except Conflicts as found:
        raise found.refusal() from None


def group_version_kind(found: Object) -> str:
    """As Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`."""
    group, _, version = str(found.get("apiVersion") or "").rpartition("/")
    return f"{group}/{version}, Kind={found.get('kind') or ''}"


def called(config: Object) -> str:
    """`team/web; apps/v1, Kind=Deployment`; what is no text is not there."""
    meta = config.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    namespace, name = (found if isinstance(found := meta.get(part), str) else "" for part in ("namespace", "name"))
    return f"{namespace}/{name}; {group_version_kind(config)}"


def check_config(config: Object, api_version: str, kind: str, schema: Schema) -> None:
    """Whether this can be applied at all; raises as `apply` does."""
    if kind and (config.get("apiVersion"), config.get("kind")) != (api_version, kind):
        raise BadRequest(f"invalid object type: {group_version_kind(config)}")
    meta = config.get("metadata")
    if isinstance(meta, dict) and isinstance(meta.get("managedFields"), list):
        raise BadRequest("metadata.managedFields must be nil")
    if words := misfit(config, shape_of(schema)):
        raise Unexplained(f"failed to create typed patch object ({called(config)}): {words}")


class _Apply:
    """One apply; `live` is the object without its managedFields."""

    def __init__(
        self,
        live: Object | None,
        config: Object,
        *,
        who: Manager,
        api_version: str,
        elsewhere: Elsewhere,
        shape: Shape,
        ignored: FieldSet,
        now: str,
    ) -> None:
        self.live: Object = {key: value for key, value in (live or {}).items() if key != "metadata"}
        if live is not None:
            meta = live.get("metadata", {})
            self.live["metadata"] = {key: value for key, value in meta.items() if key != "managedFields"}
        self.config, self.who, self.api_version, self.now = config, who, api_version, now
        self.shape, self.ignored, self.elsewhere = shape, ignored, elsewhere
        self.places = Places(api_version, shape, elsewhere)

    def run(self, managed: Managed, force: bool) -> Object:
        try:
            applied, after = self.attempt(managed, force)
        except Conflicts as found:
            allowed = allowed_conflicts(self.live, self.who, self.api_version, self.shape)
            if allowed is None:
                raise
            if found.fields() - allowed:
                found.found = [pair for pair in found.found if pair[1] not in allowed]
                raise
            applied, after = self.attempt(managed, True)
        if self.who.name == "kubectl":
            refresh(applied, self.config)
        if after:
            applied.setdefault("metadata", {})["managedFields"] = entries.encode(after)
        return applied

    def attempt(self, managed: Managed, force: bool) -> tuple[Object, Managed]:
        merged = merge(self.live, self.config, self.shape)
        fields = fields_of(self.config, self.shape).without(self.ignored)
        last = managed.get(self.who)
        mine = Owned(fields, self.api_version, True, last.time if last else None)
        after = {**managed, self.who: mine}
        if last is not None and last.fields:
            merged = self.prune(merged, after, last)
        found = compare(self.live, merged, self.shape).without(self.ignored)
        seen = compared(self.live, merged, self.api_version, found, self.who.subresource, self.elsewhere)
        if not force:
            self.refuse(after, seen)
        after = taken(after, seen, but=self.who)
        changed = merged != self.live
        kept = (after[self.who].fields if self.who in after else EMPTY) - STRIPPED
        after.pop(self.who, None)
        if kept:
            after[self.who] = Owned(kept, self.api_version, True, self.now if changed else mine.time)
        return typed_copy(merged, self.shape), after

    def refuse(self, managed: Managed, seen: Compared) -> None:
        conflicts: dict[Manager, FieldSet] = {}
        for manager, owned in managed.items():
            found = seen.at(owned.api_version) if manager != self.who else None
            if found and (fields := owned.fields & (found.modified | found.added)):
                conflicts[manager] = fields
        if conflicts:
            raise Conflicts(conflicts)

    def prune(self, merged: Object, managed: Managed, last: Owned) -> Object:
        """Take away what was applied last; put back what anybody owns now, and what was never this manager's."""
        version = last.api_version
        shape = self.places.shape(version)
        if shape is None:
            return merged
        merged = self.places.moved(merged, self.api_version, version)
        mentioned = with_parents(last.fields, shape)
        pruned = remove(merged, mentioned, shape) or {}
        for claimed in sorted({owned.api_version for owned in managed.values()}, key=lambda each: each != version):
            pruned = self.owned_back(merged, pruned, version, claimed, managed)
        everything = with_parents(fields_of(merged, shape), shape)
        left = with_parents(fields_of(pruned, shape), shape)
        pruned = remove(merged, (everything - left) & mentioned, shape) or {}
        return self.places.moved(pruned, version, self.api_version)

    def owned_back(self, merged: Object, pruned: Object, version: str, claimed: str, managed: Managed) -> Object:
        """`pruned`, with what managers of the version `claimed` own of `merged`; both are, and stay, of `version`."""
        shape = self.places.shape(claimed)
        if shape is None:
            return pruned
        fields = FieldSet()
        for owned in managed.values():
            if owned.api_version == claimed:
                fields = fields | owned.fields
        merged, pruned = (self.places.moved(each, version, claimed) for each in (merged, pruned))
        everything = with_parents(fields_of(merged, shape), shape)
        kept = with_parents(fields_of(pruned, shape), shape) | with_parents(fields, shape)
        return self.places.moved(remove(merged, everything - kept, shape) or {}, claimed, version)
