"""Whole OpenAPI documents of the kinds served. Pure; made when first asked for (`pages.py` keeps them)."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from apiserver.kinds.kind import Kind
from apiserver.openapi import version2
from apiserver.openapi.operations import list_name, paths
from apiserver.openapi.others import others
from apiserver.openapi.schemas import V2, definitions
from apiserver.schema.load import schema
from apiserver.schema.schema import Field, Schema
from podling.api.version import KUBERNETES

Document = dict[str, Any]

INFO = {"title": "Kubernetes", "version": KUBERNETES}
META = ("meta.v1.DeleteOptions", "meta.v1.Status", "meta.v1.WatchEvent")
PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
PATCH_WORDS = "Patch is provided to give a concrete name and type to the Kubernetes PATCH request body."

PATHS, SCHEMAS = "paths", "schemas"


class Part(NamedTuple):
    """A member of a document: what can be asked at a path, or what a name means."""

    section: str
    name: str
    document: Document


def group_path(kind: Kind) -> str:
    """`api/v1`, `apis/apps/v1`."""
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def index(kinds: Sequence[Kind]) -> dict[str, str]:
    """Each group version's path with a hash that changes with its kinds."""
    members: dict[str, list[str]] = {}
    for kind in kinds:
        members.setdefault(group_path(kind), []).append(kind.kind + kind.extra.get("digest", ""))
    members.update((path, []) for path in others(kinds, INFO))
    found = {}
    for path, names in sorted(members.items()):
        words = f"{INFO['version']} {path} {sorted(names)}"
        found[path] = hashlib.sha512(words.encode()).hexdigest().upper()
    return found


def parts(kinds: Sequence[Kind], prefix: str) -> Iterator[Part]:
    """The members of a document of version 2 or 3 (`prefix`), one after another: nobody need hold or wait for all."""
    for kind in kinds:
        found = paths(kind)
        for path, item in (version2.paths(found) if prefix == V2 else found).items():
            yield Part(PATHS, path, item)
    groups, selectable = _groups(kinds), {kind.schema.name: kind for kind in kinds if kind.custom and kind.field_labels}
    for name, each in definitions(_roots(kinds), groups, prefix):
        if name in selectable:
            fields = [{"fieldPath": path} for path in selectable[name].field_labels]
            each["x-kubernetes-selectable-fields"] = fields
        yield Part(SCHEMAS, name, each)
    yield Part(SCHEMAS, PATCH, {"description": PATCH_WORDS, "type": "object"})


def document(found: Mapping[str, Mapping[str, Any]], prefix: str) -> Document:
    """`found`: what the parts are, or stand for, by section and name."""
    made, schemas = (dict(sorted(found[section].items())) for section in (PATHS, SCHEMAS))
    if prefix == V2:
        return {"swagger": "2.0", "info": INFO, "paths": made, "definitions": schemas}
    token = {"type": "apiKey", "in": "header", "name": "authorization", "description": "Bearer Token"}
    components = {"schemas": schemas, "securitySchemes": {"BearerToken": token}}
    return {"openapi": "3.0.0", "info": INFO, "paths": made, "components": components}


def whole(kinds: Sequence[Kind], prefix: str) -> Document:
    """All at once."""
    found: dict[str, Document] = {PATHS: {}, SCHEMAS: {}}
    for section, name, each in parts(kinds, prefix):
        found[section][name] = each
    return document(found, prefix)


def _roots(kinds: Sequence[Kind]) -> Iterator[Schema]:
    for kind in kinds:
        yield kind.schema
        if "list" in kind.verbs:
            yield _list_schema(kind)
        yield from (sub.schema for sub in kind.subresources if sub.schema is not None)
    yield from map(schema, META)


def _groups(kinds: Sequence[Kind]) -> dict[str, list[Document]]:
    """The groups, versions and kinds of a type, by its name."""
    groups: dict[str, list[Document]] = {}
    for kind in kinds:
        found = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        groups[kind.schema.name] = [found]
        if "list" in kind.verbs:
            groups[list_name(kind)] = [{**found, "kind": f"{kind.kind}List"}]
        for sub in kind.subresources:
            if sub.schema is not None:
                version = {"group": sub.group, "version": sub.version} if sub.version else found
                groups[sub.schema.name] = [{**version, "kind": sub.kind}]
    versions = sorted({(kind.group, kind.version) for kind in kinds})
    for name in ("DeleteOptions", "WatchEvent"):
        every = [{"group": group, "version": version, "kind": name} for group, version in versions]
        groups[schema(f"meta.v1.{name}").name] = every
    groups[schema("meta.v1.Status").name] = [{"group": "", "version": "v1", "kind": "Status"}]
    return groups


def _list_schema(kind: Kind) -> Schema:
    """lightkube-models has a list type beside every kind of Kubernetes' own API."""
    if kind.list_schema is not None:
        return kind.list_schema
    for marker in ("io.k8s.api.", ".pkg.apis."):
        _, found, name = kind.schema.name.partition(marker)
        if found:
            with contextlib.suppress(KeyError, FileNotFoundError):  # metrics are another API server's
                return schema(f"{name}List")
    like = schema("core.v1.PodList")
    items = Field(Schema("array", items=kind.schema), required=True)
    return replace(like, name=f"{kind.schema.name}List", description="", fields={**like.fields, "items": items})
