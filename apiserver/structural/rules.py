"""What a custom resource's schema must be itself, whatever its values: the rules of every JSONSchemaProps.

Source: ValidateCustomResourceDefinitionOpenAPISchema, k8s.io/apiextensions-apiserver/pkg/apis/apiextensions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from apiserver.structural.celcheck import check_programs, check_rules
from apiserver.structural.celcosts import Budget
from apiserver.structural.checkdefaults import check_defaults
from apiserver.structural.complete import complete
from apiserver.structural.gofields import go_schema
from apiserver.structural.invariants import invariants
from apiserver.structural.node import META, Props, parse
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_NESTED = ("allOf", "oneOf", "anyOf")
# What may stand at the root when the status subresource is on, as Go names the fields, in the order of messages.
_AT_ROOT = {
    "description": "Description",
    "type": "Type",
    "format": "Format",
    "title": "Title",
    "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum",
    "minimum": "Minimum",
    "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength",
    "minLength": "MinLength",
    "pattern": "Pattern",
    "maxItems": "MaxItems",
    "minItems": "MinItems",
    "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf",
    "required": "Required",
    "items": "Items",
    "properties": "Properties",
    "externalDocs": "ExternalDocs",
    "example": "Example",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}


@dataclass(frozen=True)
class Place:
    """Where in a schema a rule looks: within metadata, or where no default may stand, and why."""

    root: bool = False
    in_meta: bool = False
    no_default: str | None = None


@dataclass(frozen=True)
class Tightened:
    """Rules that came later than version 1: a stored definition that breaks one may go on breaking it."""

    types: bool = True
    structural: bool = True
    pruned_defaults: bool = True
    atomic_sets: bool = True
    map_keys: bool = True
    costs_allowed: bool = False  # of single CEL rules: the schema does not change


def check_schema(props: Props, path: Path, *, status: bool = False, rules: Tightened | None = None) -> ErrorList:
    """What is wrong with a version's openAPIV3Schema at `path`; `status`: the version has the status subresource."""
    rules = rules or Tightened()
    found = _root(props, path, status=status)
    sound = all(map(_readable, schemas(props)))
    if rules.structural and sound:
        wrong = sorted({*invariants(props, path), *complete(props, path)}, key=str)
        wrong = wrong or check_defaults(parse(props), path, pruned=rules.pruned_defaults)
        found, sound = found + wrong, not wrong
    wrong = _check(props, path, Place(root=True), rules)
    if not sound:
        return found + wrong
    budget = Budget(rules.costs_allowed)
    programs = check_programs(props, path, wrong, budget)
    return found + wrong + programs + budget.total(path)


def _readable(props: Props) -> bool:
    """Whether this has a structure at all, structural or not."""
    strange = any(props.get(name) for name in _UNSUPPORTED) or isinstance(props.get("items"), list)
    return not strange and props.get("x-kubernetes-preserve-unknown-fields") is not False


def schemas(props: Any) -> Iterator[Props]:
    """A schema and all within it."""
    if not isinstance(props, dict):
        return
    yield props
    items = props.get("items")
    for each in (props.get("not"), props.get("additionalProperties"), *(items if isinstance(items, list) else [items])):
        yield from schemas(each)
    for name in _NESTED:
        for each in props.get(name) or ():
            yield from schemas(each)
    for each in (props.get("properties") or {}).values():
        yield from schemas(each)


def tightened(new: Props, old: Props | None) -> Tightened:
    """The rules that a stored schema must keep where it is written again: those that it kept before."""
    if old is None:
        return Tightened()
    every = list(schemas(old))
    here = Path()
    return Tightened(
        types=all(not each.get("type") or each["type"] in TYPES for each in every),
        structural=not [*invariants(old, here), *complete(old, here)],
        pruned_defaults=not [
            error for error in check_defaults(parse(old), here, pruned=True) if "unknown fields" in error.text
        ],
        atomic_sets=all(not _atomic_set(each, here) for each in every),
        map_keys=all(not _keys(each, here) for each in every),
        costs_allowed=new == old,
    )


def _root(props: Props, path: Path, *, status: bool) -> ErrorList:
    found: ErrorList = []
    if status:
        if props.get("type") and props["type"] != "object":
            words = (
                'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            )
            found.append(field.invalid(path.child("type"), props["type"], words))
        others = [
            name for name, value in props.items() if name not in _AT_ROOT and value not in (None, False, "", [], {})
        ]
        if others:
            names = " ".join(_AT_ROOT.values())
            words = f"only [{names}] fields are allowed at the root of the schema if the status subresource is enabled"
            found.append(field.invalid(path, go_schema(props), words))
    if props.get("nullable"):
        found.append(field.forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    return found


def _check(props: Any, path: Path, place: Place, rules: Tightened) -> ErrorList:
    if not isinstance(props, dict):
        return []
    found = _standard(props, path, place, rules)
    if props.get("uniqueItems"):
        words = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        found.append(field.forbidden(path.child("uniqueItems"), words))
    found += _children(props, path, replace(place, root=False), rules, root=place.root)
    found += _extensions(props, path)
    if rules.atomic_sets:
        found += _atomic_set(props, path)
    found += _list_map(props, path)
    if rules.map_keys:
        found += _keys(props, path)
    return found + check_rules(props, path)


def _standard(props: Props, path: Path, place: Place, rules: Tightened) -> ErrorList:
    found: ErrorList = []
    kind = props.get("type") or ""
    if rules.types and kind and kind not in TYPES:
        found.append(field.not_supported(path.child("type"), kind, TYPES))
    if props.get("default") is not None and place.no_default is not None:
        found.append(field.forbidden(path.child("default"), f"must not be set {place.no_default}".strip()))
    for name in _UNSUPPORTED:
        if props.get(name):
            found.append(field.forbidden(path.child(name), f"{name} is not supported"))
    if kind == "null":
        words = "type cannot be set to null, use nullable as an alternative"
        found.append(field.forbidden(path.child("type"), words))
    if isinstance(props.get("items"), list):
        found.append(field.forbidden(path.child("items"), "items must be a schema object and not an array"))
    if place.in_meta and props.get("x-kubernetes-embedded-resource"):
        words = "must not be used inside of resource meta"
        found.append(field.forbidden(path.child("x-kubernetes-embedded-resource"), words))
    return found


def _children(props: Props, path: Path, place: Place, rules: Tightened, *, root: bool) -> ErrorList:
    found: ErrorList = []
    more, properties = props.get("additionalProperties"), props.get("properties") or {}
    if more is not None:
        if properties and more is not True:
            words = "additionalProperties and properties are mutual exclusive"
            found.append(field.forbidden(path.child("additionalProperties"), words))
        within = replace(place, no_default="inside additionalProperties applying to object metadata")
        found += _check(more, path.child("additionalProperties"), within if place.in_meta else place, rules)
    for name, each in sorted(properties.items()):
        within = place
        if (root or props.get("x-kubernetes-embedded-resource")) and name in META:
            within = replace(place, in_meta=True, no_default=f"in top-level {name}" if root else place.no_default)
        found += _check(each, path.child("properties").key(name), within, rules)
    found += _check(props.get("not"), path.child("not"), place, rules)
    for name in _NESTED:
        for position, each in enumerate(props.get(name) or ()):
            found += _check(each, path.child(name).index(position), place, rules)
    return found + _check(props.get("items"), path.child("items"), place, rules)


def _extensions(props: Props, path: Path) -> ErrorList:
    found: ErrorList = []
    if props.get("x-kubernetes-preserve-unknown-fields") is False:
        at = path.child("x-kubernetes-preserve-unknown-fields")
        found.append(field.invalid(at, False, "must be true or undefined"))
    for name, wanted, allowed in (
        ("x-kubernetes-map-type", "object", ("atomic", "granular")),
        ("x-kubernetes-list-type", "array", ("atomic", "set", "map")),
    ):
        said, kind = props.get(name), props.get("type") or ""
        if said is None:
            continue
        if kind != wanted:
            words = f"must be {wanted} if {name} is specified"
            at = path.child("type")
            found.append(field.invalid(at, kind, words) if kind else field.required(at, words))
        if said not in allowed:
            found.append(field.not_supported(path.child(name), said, allowed))
    return found


def _atomic_set(props: Props, path: Path) -> ErrorList:
    items = props.get("items")
    if props.get("x-kubernetes-list-type") != "set" or props.get("type") != "array" or not isinstance(items, dict):
        return []
    words = "must be atomic as item of a list with x-kubernetes-list-type=set"
    listed = items.get("x-kubernetes-list-type")
    if items.get("type") == "array" and listed not in (None, "atomic"):
        return [field.invalid(path.child("items", "x-kubernetes-list-type"), listed, words)]
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        shown = "null" if listed is None else listed
        return [field.invalid(path.child("items", "x-kubernetes-map-type"), shown, words)]
    return []


def _list_map(props: Props, path: Path) -> ErrorList:
    """The rules of lists that are maps, and of their keys."""
    found: ErrorList = []
    listed, items = props.get("x-kubernetes-list-type"), props.get("items")
    keys: list[str] = props.get("x-kubernetes-list-map-keys") or []
    if keys and listed != "map":
        words = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = path.child("x-kubernetes-list-type")
        found.append(field.required(at, words) if listed is None else field.invalid(at, listed, words))
    if listed != "map":
        return found
    at = path.child("x-kubernetes-list-map-keys")
    if not keys:
        found.append(field.required(at, "must not be empty if x-kubernetes-list-type is map"))
    if items is None:
        words = "must have a schema if x-kubernetes-list-type is map"
        return [*found, field.required(path.child("items"), words)]
    if not isinstance(items, dict):
        words = "must only have a single schema if x-kubernetes-list-type is map"
        shown = {
            "Schema": None,
            "JSONSchemas": [go_schema(each) for each in items] if isinstance(items, list) else None,
        }
        return [*found, field.invalid(path.child("items"), shown, words)]
    if items.get("type") != "object":
        words = "must be object if parent array's x-kubernetes-list-type is map"
        return [*found, field.invalid(path.child("items", "type"), items.get("type") or "", words)]
    for position, key in enumerate(keys):
        said = (items.get("properties") or {}).get(key)
        if said is None:
            found.append(field.invalid(at, list(keys), "entries must all be names of item properties"))
        elif said.get("type") in ("array", "object"):
            words = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            found.append(field.invalid(path.child("items", "properties").key(key).child("type"), items["type"], words))
        if key in keys[:position]:
            found.append(field.invalid(at, list(keys), "must not contain duplicate entries"))
    return found


def _keys(props: Props, path: Path) -> ErrorList:
    """Items of sets and maps are never null, and neither are the keys of a map's, which are always there."""
    listed, items = props.get("x-kubernetes-list-type"), props.get("items")
    if listed not in ("set", "map") or not isinstance(items, dict):
        return []
    found: ErrorList = []
    if items.get("nullable"):
        words = f"cannot be nullable when x-kubernetes-list-type is {listed}"
        found.append(field.forbidden(path.child("items", "nullable"), words))
    for key in (props.get("x-kubernetes-list-map-keys") or ()) if listed == "map" else ():
        said = (items.get("properties") or {}).get(key)
        if said is None:
            continue
        at = path.child("items", "properties").key(key)
        head = "this property is in x-kubernetes-list-map-keys, so it "
        if key not in (items.get("required") or ()) and said.get("default") is None:
            found.append(field.required(at.child("default"), f"{head}must have a default or be a required property"))
        if said.get("nullable"):
            found.append(field.forbidden(at.child("nullable"), f"{head}cannot be nullable"))
    return found
