"""A definition becomes kinds: one a served version, and the one whose form is stored.

Source: getOrCreateServingInfoFor of k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, and the
strategies in pkg/registry/customresource.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from apiserver.cached import encode
from apiserver.crd import scale
from apiserver.crd.versions import Ask, CustomVersions
from apiserver.discovery.priority import priority
from apiserver.kinds.kind import Kind, Object, Subresource
from apiserver.kinds.strategy import READ_WRITE, keep_status
from apiserver.structural.columns import columns
from apiserver.structural.selectable import selectable
from apiserver.structural.structural import Structural
from podling.api.field import ErrorList

VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


class Made(NamedTuple):
    """`hub` is what is stored, served or not."""

    hub: Kind
    served: tuple[Kind, ...]


def make(definition: Object, ask: Ask) -> Made:
    """`ask` calls the definition's conversion webhook."""
    spec, accepted = definition["spec"], definition["status"]["acceptedNames"]
    group = spec["group"]
    schemas = {
        f"{group}/{version['name']}": Structural(
            (version.get("schema") or {}).get("openAPIV3Schema"),
            group=group,
            version=version["name"],
            kind=accepted["kind"],
            plural=accepted["plural"],
            list_kind=accepted.get("listKind", ""),
        )
        for version in spec["versions"]
    }
    versions = CustomVersions(definition, schemas, ask)
    fields = _stored_fields(spec, schemas)
    stored = next(version for version in spec["versions"] if version.get("storage"))
    hub = _kind(definition, stored, schemas, versions, fields, None)
    served = tuple(
        hub if version is stored else _kind(definition, version, schemas, versions, fields, hub)
        for version in sorted(spec["versions"], key=lambda each: priority(each["name"]))
        if version.get("served")
    )
    versions.kinds.update({kind.api_version: kind for kind in served})
    return Made(hub, served)


def _kind(  # noqa: PLR0917
    definition: Object,
    version: Object,
    schemas: Mapping[str, Structural],
    versions: CustomVersions,
    fields: Any,
    hub: Kind | None,
) -> Kind:
    spec, accepted = definition["spec"], definition["status"]["acceptedNames"]
    structural = schemas[f"{spec['group']}/{version['name']}"]
    subresources = version.get("subresources") or {}
    rules = Rules(structural, subresources)
    found = {path: path for path in paths(version)}
    return Kind(
        group=spec["group"],
        version=version["name"],
        kind=accepted["kind"],
        list_kind=accepted.get("listKind", ""),
        plural=accepted["plural"],
        singular=accepted.get("singular", ""),
        short_names=tuple(accepted.get("shortNames") or ()),
        categories=tuple(accepted.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced",
        schema=replace(structural.schema, status_apart=rules.has_status),
        list_schema=structural.list_schema,
        verbs=VERBS,
        default=structural.default,
        prepare_create=rules.prepare_create,
        prepare_update=rules.prepare_update,
        validate_create=rules.validate_create,
        validate_update=rules.validate_update,
        warn=lambda obj: _finalizers(obj, {"metadata": {}}),
        warn_update=lambda new, old: [*structural.spared(new, old), *_finalizers(new, old)],
        unconditional_update=False,
        selectable=fields,
        field_labels=found,
        subresources=tuple(rules.subresources()),
        columns=columns(version.get("additionalPrinterColumns") or ()),
        deprecated=_deprecated(spec, version),
        hub=hub,
        versions=versions,
        extra={"digest": hashlib.sha256(encode([spec, accepted])).hexdigest()},
    )


class Rules:
    """What a write of one version's objects may change, and what is right about them."""

    def __init__(self, structural: Structural, subresources: Object) -> None:
        self.structural = structural
        self.has_status = subresources.get("status") is not None
        self.scale: Object | None = subresources.get("scale")

    def subresources(self) -> list[Subresource]:
        found = []
        if self.has_status:
            found.append(
                Subresource(
                    "status", READ_WRITE, prepare_update=keep_all_but_status, validate_update=self.validate_status
                )
            )
        if self.scale is not None:
            found.append(scale.subresource(self.scale, self.prepare_update, self.validate_update))
        return found

    def prepare_create(self, obj: Object) -> None:
        obj["metadata"]["generation"] = 1
        if self.has_status:
            obj.pop("status", None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """The generation counts every change but those of metadata."""
        if self.has_status:
            keep_status(new, old)
        if {**new, "metadata": None} != {**old, "metadata": None}:
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def validate_create(self, obj: Object) -> ErrorList:
        return self.structural.validate(obj, between=self._scaled(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return self.structural.validate(new, old, between=self._scaled(new))

    def validate_status(self, new: Object, old: Object) -> ErrorList:
        return self.structural.validate_status(new, old, between=self._scaled(new, spec=False))

    def _scaled(self, obj: Object, *, spec: bool = True) -> ErrorList:
        return scale.validate(obj, self.scale, spec=spec) if self.scale is not None else []


def keep_all_but_status(new: Object, old: Object) -> None:
    """In place, and so is its metadata: only who owns what is the new one's."""
    meta, status, there = new["metadata"], new.get("status"), "status" in new
    owned = meta.get("managedFields")
    meta.clear()
    meta.update({name: value for name, value in old["metadata"].items() if name != "managedFields"})
    if owned is not None:
        meta["managedFields"] = owned
    kept = {name: value for name, value in old.items() if name not in ("metadata", "status")}
    new.clear()
    new.update(kept, metadata=meta)
    if there:
        new["status"] = status


def _finalizers(new: Object, old: Object) -> list[str]:
    before = old["metadata"].get("finalizers") or ()
    words = "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
    added = sorted(set(new["metadata"].get("finalizers") or ()) - set(before))
    return [
        f'metadata.finalizers: "{name}": {words}'
        for name in added
        if "/" not in name and name not in ("orphan", "foregroundDeletion", "kubernetes")
    ]


def _deprecated(spec: Object, version: Object) -> str:
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning") is not None:
        return str(version["deprecationWarning"])
    kind = spec["names"]["kind"]
    words = f"{spec['group']}/{version['name']} {kind} is deprecated"
    better = [
        each["name"]
        for each in spec["versions"]
        if each.get("served") and not each.get("deprecated") and priority(each["name"]) < priority(version["name"])
    ]
    return f"{words}; use {spec['group']}/{min(better, key=priority)} {kind}" if better else words


def paths(version: Object) -> list[str]:
    """What field selectors of a version may name."""
    return [each["jsonPath"].removeprefix(".") for each in version.get("selectableFields") or ()]


def _stored_fields(spec: Object, schemas: Mapping[str, Structural]) -> Any:
    """Fields of all versions, read from an object as it is stored: selectors are asked before anything is converted.
    Where a webhook moves a field, its name in the stored version counts."""
    every = [each for version in spec["versions"] for each in version.get("selectableFields") or ()]
    definitions = {each["jsonPath"]: each for each in every}
    if not definitions:
        return lambda _: {}
    found = selectable(list(definitions.values()))

    def read(obj: Object) -> Mapping[str, str]:
        structural = schemas.get(str(obj.get("apiVersion")))
        return found(structural.revive(obj)) if structural is not None else {}

    return read
