"""What OpenAPI says of a custom resource: the schema as written, with the envelope of every object.

Source: k8s.io/apiextensions-apiserver/pkg/controller/openapi/{builder,v2}.
"""

from typing import Any, Protocol

from apiserver.schema.load import schema
from apiserver.structural.invariants import EITHER
from apiserver.structural.node import Props

Document = dict[str, Any]

GVK = "x-kubernetes-group-version-kind"
V2 = "#/definitions/"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_META_WORDS = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
_LIST_META_WORDS = f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds"
_EMBEDDED_WORDS = {
    "apiVersion": "apiVersion defines the versioned schema of this representation of an object. More info: "
    f"{_CONVENTIONS}#resources",
    "kind": "kind is a string value representing the type of this object. In CamelCase. More info: "
    f"{_CONVENTIONS}#types-kinds",
}
_UNSAID = ("example", "id", "$schema")  # what structural schemas do not keep


class Defined(Protocol):
    """What is told of a version of a custom kind; `definition` is its name in OpenAPI."""

    props: Props
    group: str
    version: str
    kind: str
    plural: str
    list_kind: str

    @property
    def definition(self) -> str: ...


def of_kind(defined: Defined, prefix: str) -> Document:
    """The kind itself; `prefix` is where this document keeps its definitions."""
    said = defined.props
    if prefix == V2 and said.get(PRESERVE):
        made: Document = {"type": "object"}  # kubectl would take what is listed for all there is
    else:
        made = _node(said, prefix)
        made["properties"] = dict(sorted({**made.get("properties", {}), **_envelope(prefix)}.items()))
    return made | {GVK: [_gvk(defined, defined.kind)]}


def list_of(defined: Defined, prefix: str) -> Document:
    words = f"List of {defined.plural}. More info: {_CONVENTIONS}"
    items = {"description": words, "type": "array", "items": {"$ref": prefix + defined.definition}}
    properties = {**_type_meta(), "items": items, "metadata": _reference(LIST_META, _LIST_META_WORDS, prefix)}
    return {
        "description": f"{defined.list_kind} is a list of {defined.kind}",
        "type": "object",
        "required": ["items"],
        "properties": dict(sorted(properties.items())),
        GVK: [_gvk(defined, defined.list_kind)],
    }


def _gvk(defined: Defined, kind: str) -> Document:
    return {"group": defined.group, "version": defined.version, "kind": kind}


def _type_meta() -> Document:
    fields = schema("core.v1.Pod").fields
    return {name: {"description": fields[name].description, "type": "string"} for name in ("apiVersion", "kind")}


def _reference(name: str, words: str, prefix: str) -> Document:
    """A `$ref` beside other words is only read by version 2."""
    return (
        {"description": words, "$ref": prefix + name}
        if prefix == V2
        else {
            "description": words,
            "allOf": [{"$ref": prefix + name}],
        }
    )


def _envelope(prefix: str) -> Document:
    return {**_type_meta(), "metadata": _reference(OBJECT_META, _META_WORDS, prefix)}


def _said(value: Any) -> bool:
    """Whether Go writes it: a zero number is given by pointer, other zeros are left out."""
    return value is not False and value not in (None, "", [])


def _node(said: Props, prefix: str) -> Document:
    """One schema and those below it."""
    made: Document = {name: value for name, value in said.items() if name == "default" or _said(value)}
    for name in _UNSAID:
        made.pop(name, None)
    if said.get("x-kubernetes-int-or-string"):
        _unfold(made)
    if prefix == V2:
        _for_version_2(made)
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _node(made[name], prefix)
    if said.get("additionalProperties") is False:
        made["additionalProperties"] = False
    if "properties" in made:
        made["properties"] = {name: _node(each, prefix) for name, each in sorted(made["properties"].items())}
    if made.get("x-kubernetes-embedded-resource") and not (prefix == V2 and said.get(PRESERVE)):
        _embed(made, prefix)
    return made


def _unfold(made: Document) -> None:
    """Who does not know of int-or-string is told by alternatives."""
    first = next(iter(made.get("allOf") or ()), None) or {}
    if EITHER in (made.get("anyOf"), first.get("anyOf")):
        return
    if "anyOf" in made:
        made["allOf"] = [{"anyOf": EITHER}, *(made.get("allOf") or ())]
    else:
        made["anyOf"] = EITHER


def _embed(made: Document, prefix: str) -> None:
    envelope = _envelope(prefix)
    for name, words in _EMBEDDED_WORDS.items():
        envelope[name] = {"description": words, "type": "string"}
    made["properties"] = dict(sorted({**made.get("properties", {}), **envelope}.items()))
    required = list(made.get("required") or ())
    made["required"] = required + [name for name in ("kind", "apiVersion") if name not in required]


def _for_version_2(made: Document) -> None:
    """Version 2 knows no alternatives and no null; kubectl takes listed fields for all there are."""
    for name in ("allOf", "oneOf", "anyOf", "not"):
        made.pop(name, None)
    if made.pop("nullable", None):
        for name in ("type", "items", "properties"):
            made.pop(name, None)
    if made.get(PRESERVE):
        made.pop("items", None)
        made.pop("properties", None)
    if made.get("type") == "array" and "items" not in made:
        del made["type"]
    more = made.get("additionalProperties")
    fields = made.get("properties") or {}
    required = [name for name in made.pop("required", ()) if not (fields.get(name) or {}).get("nullable")]
    if required and not (isinstance(more, dict) and more.get("nullable")):
        made["required"] = required
