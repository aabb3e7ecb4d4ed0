"""Whole OpenAPI documents of the kinds served. Pure; made when first asked for (`pages.py` keeps them)."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.openapi import version2
from apiserver.openapi.operations import paths
from apiserver.openapi.others import others
from apiserver.openapi.schemas import V2, V3, definitions
from apiserver.schema.load import schema
from apiserver.schema.schema import Field, Schema
from podling.api.version import KUBERNETES

Document = dict[str, Any]

INFO = {"title": "Kubernetes", "version": KUBERNETES}
META = ("meta.v1.DeleteOptions", "meta.v1.Status", "meta.v1.WatchEvent")
PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
PATCH_WORDS = "Patch is provided to give a concrete name and type to the Kubernetes PATCH request body."


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


def v3_document(kinds: Sequence[Kind]) -> Document:
    """Of the kinds of one group version."""
    return {
        "openapi": "3.0.0",
        "info": INFO,
        "paths": _paths(kinds),
        "components": {
            "schemas": {**_definitions(kinds, V3), PATCH: {"description": PATCH_WORDS, "type": "object"}},
            "securitySchemes": {
                "BearerToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "authorization",
                    "description": "Bearer Token",
                }
            },
        },
    }


def v2_document(kinds: Sequence[Kind]) -> Document:
    """Of all kinds."""
    return {
        "swagger": "2.0",
        "info": INFO,
        "paths": version2.paths(_paths(kinds)),
        "definitions": {**_definitions(kinds, V2), PATCH: {"description": PATCH_WORDS, "type": "object"}},
    }


def _paths(kinds: Sequence[Kind]) -> Document:
    return dict(sorted(pair for kind in kinds for pair in paths(kind).items()))


def _definitions(kinds: Sequence[Kind], prefix: str) -> Document:
    roots: dict[str, Schema] = {}
    groups: dict[str, list[Document]] = {}
    for kind in kinds:
        found = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        roots[kind.schema.name] = kind.schema
        groups[kind.schema.name] = [found]
        if "list" in kind.verbs:
            of_list = _list_schema(kind)
            roots[of_list.name] = of_list
            groups[of_list.name] = [{**found, "kind": f"{kind.kind}List"}]
        for sub in kind.subresources:
            if sub.schema is not None:
                roots[sub.schema.name] = sub.schema
                version = {"group": sub.group, "version": sub.version} if sub.version else found
                groups[sub.schema.name] = [{**version, "kind": sub.kind}]
    for name in META:
        roots[name] = schema(name)
    versions = sorted({(kind.group, kind.version) for kind in kinds})
    for name in ("DeleteOptions", "WatchEvent"):
        every = [{"group": group, "version": version, "kind": name} for group, version in versions]
        groups[schema(f"meta.v1.{name}").name] = every
    groups[schema("meta.v1.Status").name] = [{"group": "", "version": "v1", "kind": "Status"}]
    made = definitions(roots, groups, prefix)
    for kind in kinds:
        if kind.custom and kind.field_labels:
            fields = [{"fieldPath": path} for path in kind.field_labels]
            made[kind.schema.name]["x-kubernetes-selectable-fields"] = fields
    return made


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
