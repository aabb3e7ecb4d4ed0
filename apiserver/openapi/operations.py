"""The paths of a kind and what can be done at each, as OpenAPI 3 writes them. Pure.

kubectl looks here for three things: the kind of a path (`explain`), and whether a patch takes `fieldValidation` and
`dryRun`.
"""

from typing import Any

from apiserver.kinds.kind import Kind, Subresource
from apiserver.openapi.schemas import GVK, V3
from apiserver.patch.patch import OF_CUSTOM, PATCHES

Document = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_ACTIONS = {"get": "get", "post": "post", "put": "put", "patch": "patch", "delete": "delete"}


def _query(name: str, words: str, kind: str = "string") -> Document:
    return {
        "name": name,
        "in": "query",
        "description": words,
        "schema": {"type": kind, "uniqueItems": True},
    }


def _path_parameter(name: str, words: str) -> Document:
    return {
        "name": name,
        "in": "path",
        "description": words,
        "required": True,
        "schema": {"type": "string", "uniqueItems": True},
    }


PRETTY = _query("pretty", "Whether the answer is indented.")
DRY_RUN = _query("dryRun", "With 'All' the request runs through every stage and changes nothing.")
FIELD_MANAGER = _query("fieldManager", "The name of who makes these changes, for managedFields.")
FIELD_VALIDATION = _query(
    "fieldValidation",
    "What happens to unknown and repeated fields: 'Ignore' drops them, 'Warn' drops them and says so in a warning, "
    "'Strict' refuses the request.",
)
FORCE = _query("force", "An apply takes fields from their managers instead of a conflict.", "boolean")
LIST = (
    _query("allowWatchBookmarks", "A watch may send BOOKMARK events.", "boolean"),
    _query("continue", "Where a list that was limited goes on."),
    _query("fieldSelector", "Only objects with these fields."),
    _query("labelSelector", "Only objects with these labels."),
    _query("limit", "At most so many objects.", "integer"),
    _query("resourceVersion", "How new the answer must be, or where a watch begins."),
    _query("resourceVersionMatch", "How resourceVersion is applied to a list."),
    _query("sendInitialEvents", "A watch begins with all objects there are.", "boolean"),
    _query("timeoutSeconds", "How long the call may take.", "integer"),
    _query("watch", "Changes as they happen instead of a list.", "boolean"),
)
DELETE = (
    DRY_RUN,
    _query("gracePeriodSeconds", "How long the object may take to go.", "integer"),
    _query("propagationPolicy", "What happens to its dependents: 'Orphan', 'Background' or 'Foreground'."),
)
WRITE = (DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION)
NAMESPACE = _path_parameter("namespace", "object name and auth scope, such as for teams and projects")


def paths(kind: Kind) -> Document:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    inside = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    around = [NAMESPACE] if kind.namespaced else []
    found: Document = {inside: _collection(kind, around)}
    if kind.namespaced and "list" in kind.verbs:
        every = f"{root}/{kind.plural}"
        found[every] = {"get": _operation(kind, "list", "listForAllNamespaces"), "parameters": [PRETTY, *LIST]}
    name = _path_parameter("name", f"name of the {kind.kind}")
    if set(kind.verbs) & {"get", "update", "patch", "delete"}:
        found[f"{inside}/{{name}}"] = _item(kind, [name, *around])
    for sub in kind.subresources:
        found[f"{inside}/{{name}}/{sub.name}"] = _subresource(kind, sub, [name, *around])
    return found


def _collection(kind: Kind, around: list[Document]) -> Document:
    made: Document = {}
    if "list" in kind.verbs:
        made["get"] = {**_operation(kind, "list", "list"), "parameters": list(LIST)}
    if "create" in kind.verbs:
        made["post"] = {**_operation(kind, "post", "create"), "parameters": list(WRITE), **_takes(kind)}
    if "deletecollection" in kind.verbs:
        made["delete"] = {**_operation(kind, "deletecollection", "deleteCollection"), "parameters": [*DELETE, *LIST]}
    return {**made, "parameters": [*around, PRETTY]}


def _item(kind: Kind, around: list[Document]) -> Document:
    made: Document = {}
    if "get" in kind.verbs:
        made["get"] = _operation(kind, "get", "read")
    if "update" in kind.verbs:
        made["put"] = {**_operation(kind, "put", "replace"), "parameters": list(WRITE), **_takes(kind)}
    if "patch" in kind.verbs:
        made["patch"] = {**_operation(kind, "patch", "patch"), "parameters": [*WRITE, FORCE], **_takes_patch(kind)}
    if "delete" in kind.verbs:
        made["delete"] = {**_operation(kind, "delete", "delete"), "parameters": list(DELETE)}
    return {**made, "parameters": [*around, PRETTY]}


_METHODS = {"get": "get", "update": "put", "patch": "patch", "create": "post", "delete": "delete"}


def _subresource(kind: Kind, sub: Subresource, around: list[Document]) -> Document:
    made: Document = {}
    for verb in sub.verbs:
        method = _METHODS[verb]
        made[method] = _operation(kind, "connect" if sub.kind.endswith("Options") else method, verb, sub)
        if method in ("put", "post", "patch") and not sub.kind.endswith("Options"):
            made[method]["parameters"] = list(WRITE)
            made[method].update(_takes_patch(kind) if method == "patch" else _takes(kind, sub))
    return {**made, "parameters": [*around, PRETTY]}


def _operation(kind: Kind, action: str, verb: str, sub: Subresource | None = None) -> Document:
    group = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    if sub and sub.kind:
        group = {"group": sub.group or kind.group, "version": sub.version or kind.version, "kind": sub.kind}
    scope = "Namespaced" if kind.namespaced and verb != "listForAllNamespaces" else ""
    title = "".join(part.capitalize() for part in (kind.group.partition(".")[0] or "core", kind.version))
    suffix = sub.name.capitalize() if sub else ""
    answer = f"{kind.schema.name}List" if action == "list" else _answered(kind, sub)
    if action in ("delete", "deletecollection"):
        answer = f"{_META}Status"
    return {
        "description": f"{verb} {kind.kind}{' ' + sub.name if sub else ''}",
        "operationId": f"{verb}{title}{scope}{kind.kind}{suffix}",
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": V3 + answer}}}},
            "401": {"description": "Unauthorized"},
        },
        "tags": [f"{kind.group.partition('.')[0] or 'core'}_{kind.version}"],
        "x-kubernetes-action": action,
        GVK: group,
    }


def _answered(kind: Kind, sub: Subresource | None) -> str:
    return sub.schema.name if sub and sub.schema else kind.schema.name


def _takes(kind: Kind, sub: Subresource | None = None) -> Document:
    schema = {"$ref": V3 + _answered(kind, sub)}
    return {"requestBody": {"content": {"*/*": {"schema": schema}}, "required": True}}


def _takes_patch(kind: Kind) -> Document:
    schema = {"$ref": f"{V3}{_META}Patch"}
    return {
        "requestBody": {
            "content": {media: {"schema": schema} for media in (OF_CUSTOM if kind.custom else PATCHES)},
            "required": True,
        }
    }
