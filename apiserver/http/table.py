"""Objects as the rows that `kubectl get` prints: a `Table` of meta.k8s.io, columns from the kind. Pure.

Source: k8s.io/apiserver/pkg/endpoints/handlers/response.go (asTable) and k8s.io/apiserver/pkg/registry/rest/table.go.
"""

from collections.abc import Iterable
from typing import Any

from apiserver.kinds.kind import Column, Kind, Object
from podling.api.errors import BadRequest
from podling.api.field import show

CREATED = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
NAME = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)

NEVER = "0001-01-01T00:00:00Z"  # Go's time that nobody set

DEFAULT = (
    Column("Name", "string", NAME, lambda body: body["metadata"].get("name", ""), format="name"),
    Column("Created At", "date", CREATED, lambda body: body["metadata"].get("creationTimestamp", NEVER)),
)


def include(options: str) -> str:
    """The query's includeObject; raises `BadRequest` for another word."""
    if options not in ("", "None", "Metadata", "Object"):
        words = f"includeObject: Invalid value: {show(options)}: must be 'Metadata', 'Object', 'None', or empty"
        raise BadRequest(f"Unable to convert to Table as requested: {words}")
    return options or "Metadata"


def metadata_only(kind: Kind, body: Object, version: str) -> Object:
    """Without the annotations that stand for fields of Kubernetes' internal form."""
    metadata = body["metadata"]
    if kind.standing_annotations and (noted := metadata.get("annotations")):
        kept = {name: value for name, value in noted.items() if name not in kind.standing_annotations}
        metadata = {**metadata, "annotations": kept}
        if not kept:
            del metadata["annotations"]
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}


def definitions(kind: Kind) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in kind.columns or DEFAULT
    ]


def row(kind: Kind, body: Object, version: str, included: str) -> dict[str, Any]:
    made: dict[str, Any] = {"cells": [column.cell(body) for column in kind.columns or DEFAULT]}
    if conditions := kind.row_conditions(body):
        made["conditions"] = list(conditions)
    if included == "Object":
        made["object"] = body
    elif included == "Metadata":
        made["object"] = metadata_only(kind, body, version)
    else:
        made["object"] = None
    return made


def table(
    kind: Kind, bodies: Iterable[Object], version: str, included: str, meta: dict[str, Any], *, columns: bool = True
) -> dict[str, Any]:
    """`meta` is the list's metadata, or resourceVersion of the one object. Later events of a watch have no columns."""
    if kind.row_order is not None:
        bodies = sorted(bodies, key=kind.row_order)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": meta,
        "columnDefinitions": definitions(kind) if columns else None,
        "rows": [row(kind, body, version, included) for body in bodies],
    }
