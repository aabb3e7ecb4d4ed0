"""A definition becomes kinds: one a served version, and the one whose form is stored.

Source: getOrCreateServingInfoFor of k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, and the
strategies in pkg/registry/customresource.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from apiserver.crd.strategy import Strategy
from apiserver.crd.versions import Ask, CustomVersions
from apiserver.discovery.priority import priority
from apiserver.kinds.kind import Kind, Object
from apiserver.objects.cached import encode
from apiserver.structural.columns import columns
from apiserver.structural.selectable import selectable
from apiserver.structural.structural import Structural

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
    fields = _fields(spec, schemas, stored=not versions.moves_fields)
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
    strategy = Strategy(structural, version.get("subresources") or {})
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
        schema=replace(structural.schema, status_apart=strategy.has_status),
        list_schema=structural.list_schema,
        verbs=VERBS,
        default=structural.default,
        prepare_create=strategy.prepare_create,
        prepare_update=strategy.prepare_update,
        validate_create=strategy.validate_create,
        validate_update=strategy.validate_update,
        warn=strategy.warn,
        warn_update=strategy.warn_update,
        unconditional_update=False,
        selectable=fields,
        field_labels=found,
        subresources=tuple(strategy.subresources()),
        columns=columns(version.get("additionalPrinterColumns") or ()),
        deprecated=_deprecated(spec, version),
        hub=hub,
        versions=versions,
        extra={"digest": hashlib.sha256(encode([spec, accepted])).hexdigest()},
    )


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


def _fields(spec: Object, schemas: Mapping[str, Structural], *, stored: bool) -> Any:
    """Fields of all versions. `stored`: read from an object as it is stored, which lacks defaults; else from one that
    was converted."""
    every = [each for version in spec["versions"] for each in version.get("selectableFields") or ()]
    definitions = {each["jsonPath"]: each for each in every}
    if not definitions:
        return lambda _: {}
    found = selectable(list(definitions.values()))
    if not stored:
        return found

    def read(obj: Object) -> Mapping[str, str]:
        structural = schemas.get(str(obj.get("apiVersion")))
        return found(structural.revive(obj)) if structural is not None else {}

    return read
