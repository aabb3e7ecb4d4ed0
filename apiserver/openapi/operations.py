"""The paths of a kind and what can be done at each, as OpenAPI 3 writes them. Pure.

Names are Kubernetes', from which clients make their methods: `listCoreV1NamespacedPod`. Every refusal is a Status:
Kubernetes' documents leave that out, here it is the default response.
"""

from collections.abc import Sequence
from typing import Any

from apiserver.kinds.kind import Kind, Subresource
from apiserver.openapi import parameters
from apiserver.openapi.parameters import NAMESPACE, PRETTY, in_path
from apiserver.openapi.schemas import GVK, V3
from apiserver.patch.patch import OF_CUSTOM, PATCHES

Document = dict[str, Any]

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
STATUS = f"{META}Status"
MEDIA = ("application/json", "application/yaml")
STREAM = "application/json;stream=watch"
# HTTP method, the word that names of operations begin with, and what it may answer, by the verb of authorization.
_VERBS = {
    "get": ("get", "read", (200,)),
    "update": ("put", "replace", (200, 201)),
    "patch": ("patch", "patch", (200, 201)),
    "create": ("post", "create", (200, 201, 202)),
    "delete": ("delete", "delete", (200, 202)),
}
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}


def paths(kind: Kind) -> Document:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    inside = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    around = [NAMESPACE] if kind.namespaced else []
    found: Document = {}
    if set(kind.verbs) & {"list", "create", "deletecollection"}:
        found[inside] = _collection(kind, around)
    if kind.namespaced and "list" in kind.verbs:
        everywhere = _list(kind, _id(kind, "list", f"{kind.kind}ForAllNamespaces", everywhere=True))
        found[f"{root}/{kind.plural}"] = {"get": everywhere, "parameters": _sorted(PRETTY, *parameters.LIST)}
    around = [in_path("name", f"name of the {kind.kind}"), *around]
    if set(kind.verbs) & set(_VERBS) - {"create"}:
        found[f"{inside}/{{name}}"] = _item(kind, around)
    for sub in kind.subresources:
        path = f"{inside}/{{name}}/{sub.name}"
        if sub.kind.endswith("Options"):
            found[path] = _connect(kind, sub, around)
            if sub.name == "proxy":
                found[path + "/{path}"] = _connect(kind, sub, [*around, parameters.PROXIED], "WithPath")
        else:
            found[path] = _subresource(kind, sub, around)
    return found


def _sorted(*found: Document) -> list[Document]:
    return sorted(found, key=lambda each: str(each["name"]))


def _collection(kind: Kind, around: list[Document]) -> Document:
    made: Document = {}
    if "list" in kind.verbs:
        made["get"] = {**_list(kind, _id(kind, "list", kind.kind)), "parameters": list(parameters.LIST)}
    if "create" in kind.verbs:
        made["post"] = _operation(kind, "create", None)
    if "deletecollection" in kind.verbs:
        answers = _answers((200,), _list_of(kind))
        made["delete"] = {
            **_described(kind, "deletecollection", _id(kind, "delete", kind.kind, between="Collection")),
            "parameters": _sorted(*parameters.DELETE_COLLECTION),
            "requestBody": _deletes(),
            "responses": answers,
        }
    return {**made, "parameters": [*around, PRETTY]}


def _list(kind: Kind, name: str) -> Document:
    answers = _answers((200,), _list_of(kind))
    answers["200"]["content"][STREAM] = {"schema": _ref(f"{META}WatchEvent")}
    return {**_described(kind, "list", name), "responses": answers}


def _item(kind: Kind, around: list[Document]) -> Document:
    verbs = [verb for verb in ("get", "update", "delete", "patch") if verb in kind.verbs]
    made: Document = {_VERBS[verb][0]: _operation(kind, verb, None) for verb in verbs}
    return {**made, "parameters": [*around, PRETTY]}


def _subresource(kind: Kind, sub: Subresource, around: list[Document]) -> Document:
    made: Document = {_VERBS[verb][0]: _operation(kind, verb, sub) for verb in sub.verbs}
    if sub.name == "log":
        text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
        made["get"]["parameters"] = list(parameters.LOG)
        made["get"]["responses"]["200"].update(text)
    return {**made, "parameters": [*around, PRETTY]}


def _connect(kind: Kind, sub: Subresource, around: list[Document], more: str = "") -> Document:
    """A call that streams: what it answers is not told beforehand."""
    made: Document = {}
    for verb in sub.verbs:
        method = _VERBS[verb][0]
        name = f"{method.capitalize()}{'Namespaced' if kind.namespaced else ''}{kind.kind}{sub.name.capitalize()}{more}"
        responses = {"200": {"description": "OK", "content": {"*/*": {"schema": {"type": "string"}}}}, **_refusals()}
        made[method] = {
            **_described(kind, "connect", _id(kind, "connect", name, everywhere=True), sub),
            "responses": responses,
        }
    return {**made, "parameters": [*around, *parameters.CONNECT[sub.kind]]}


def _operation(kind: Kind, verb: str, sub: Subresource | None) -> Document:
    method, word, codes = _VERBS[verb]
    shape = _ref(sub.schema.name if sub and sub.schema else kind.schema.name)
    name = _id(kind, word, kind.kind + (sub.name.capitalize() if sub else ""))
    made = {**_described(kind, method, name, sub), "responses": _answers(codes, shape)}
    if verb == "delete":
        either = shape if kind.returns_deleted else {"anyOf": [_ref(STATUS), shape]}  # one that stays a while is told
        made |= {"parameters": list(parameters.DELETE), "requestBody": _deletes(), "responses": _answers(codes, either)}
    elif verb == "patch":
        made |= {"parameters": [*parameters.WRITE, parameters.FORCE], "requestBody": _patches(kind)}
    elif verb != "get":
        made["parameters"] = list(parameters.WRITE)
        made["requestBody"] = {"content": {"*/*": {"schema": shape}}, "required": True}
        if (sub and sub.name in ("binding", "eviction")) or (not kind.stored and kind.kind == "Binding"):
            made["responses"] = _answers(codes, _ref(STATUS))
    return made


def list_name(kind: Kind) -> str:
    """Of the type of its lists."""
    return kind.list_schema.name if kind.list_schema else f"{kind.schema.name}List"


def _list_of(kind: Kind) -> Document:
    return _ref(list_name(kind))


def _patches(kind: Kind) -> Document:
    taken = OF_CUSTOM if kind.custom else PATCHES
    return {"content": {media: {"schema": _ref(f"{META}Patch")} for media in taken}, "required": True}


def _deletes() -> Document:
    return {"content": {"*/*": {"schema": _ref(f"{META}DeleteOptions")}}}


def _id(kind: Kind, word: str, rest: str, *, between: str = "", everywhere: bool = False) -> str:
    """`everywhere`: the name says itself whether it is of one namespace."""
    parts = (kind.group.removesuffix(".k8s.io") or "core").split(".")
    group = "".join(part.capitalize() for part in parts) + kind.version.capitalize()
    return f"{word}{group}{between}{'Namespaced' if kind.namespaced and not everywhere else ''}{rest}"


def _described(kind: Kind, action: str, name: str, sub: Subresource | None = None) -> Document:
    of = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    if sub and sub.kind:
        of = {"group": sub.group or kind.group, "version": sub.version or kind.version, "kind": sub.kind}
    tag = "".join(part.capitalize() for part in (kind.group.removesuffix(".k8s.io") or "core").split("."))
    return {
        "description": f"{action} {sub.name + ' of the ' if sub else ''}{kind.kind}",
        "operationId": name,
        "tags": [f"{tag[0].lower()}{tag[1:]}_{kind.version}"],
        "x-kubernetes-action": action,
        GVK: of,
    }


def _answers(codes: Sequence[int], shape: Document) -> Document:
    content = {media: {"schema": shape} for media in MEDIA}
    return {str(code): {"description": _CODES[code], "content": dict(content)} for code in codes} | _refusals()


def _refusals() -> Document:
    content = {media: {"schema": _ref(STATUS)} for media in MEDIA}
    return {
        "401": {"description": "Unauthorized", "content": content},
        "default": {"description": "A refusal, and why", "content": content},
    }


def _ref(name: str) -> Document:
    return {"$ref": V3 + name}
