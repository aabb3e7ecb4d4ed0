"""Strategic merge patch: a merge patch that knows which lists merge, and by which key.

A patch is JSON of the object's own shape, with directives:

    $patch: replace | delete          on a map: take this map as it is; empty it
    {$patch: delete, <key>: …}        in a list: drop the items of that key
    {$patch: replace}                 in a list: take this list instead of merging
    $deleteFromPrimitiveList/<field>  scalars to drop from a list
    $setElementOrder/<field>          the order of a list, by keys or scalars
    $retainKeys                       the only members that a map keeps

Source of semantics and words: k8s.io/apimachinery/pkg/util/strategicpatch. The caller owns both arguments: they are
changed and become parts of the result.
"""

from typing import Any

from apiserver.patch import strategic_list as lists
from apiserver.patch.gotext import go_kind, go_text, go_type
from apiserver.refusal import Unexplained
from apiserver.schema.schema import Field, Schema
from podling.api.errors import BadRequest

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList"
ELEMENT_ORDER = "$setElementOrder"

BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
BAD_ELEMENT_ORDER = "invalid patch format of setElementOrder list"
BAD_DELETE_LIST = "invalid patch format of primitive list"

Object = dict[str, Any]


def merge_map(original: Object, patch: Object, schema: Schema | None) -> Object:
    """Merge `patch` into `original`; `schema` is the object's type, None where nothing is known of it."""
    if DIRECTIVE in patch:
        return _whole_map(patch)
    _retain_keys(original, patch)
    _ordered_lists(original, patch, schema)
    for name, value in patch.items():
        deletes = name.startswith(DELETE_FROM)
        key = _extract(name, DELETE_FROM, BAD_DELETE_LIST) if deletes else name
        if value is None:
            original.pop(key, None)
        elif key not in original or go_kind(original[key]) != go_kind(value):
            if not deletes:
                original[key] = _discard_nulls(value)
        elif isinstance(value, dict):
            field = _lookup(schema, key)
            if strategy(field) == "replace":
                original[key] = value
            else:
                original[key] = merge_map(original[key], value, field.schema if field else None)
        elif isinstance(value, list):
            original[key] = _merge_list(original[key], value, _lookup(schema, key), deletes)
        else:
            original[key] = value
    return original


def strategy(field: Field | None) -> str:
    """merge, replace, or "": a strategy may stand beside retainKeys, which only directives use."""
    if field is None:
        return ""
    return next((word for word in field.patch_strategy.split(",") if word not in ("", "retainKeys")), "")


def _whole_map(patch: Object) -> Object:
    match patch[DIRECTIVE]:
        case "replace":
            del patch[DIRECTIVE]
            return patch
        case "delete":
            return {}
        case other:
            raise Unexplained(f"unknown patch type: {go_text(other)} in map: {go_text(patch)}")


def _lookup(schema: Schema | None, key: str) -> Field | None:
    """How a member merges; None in what has no schema."""
    if schema is None or schema.type in ("", "array"):
        return None
    if schema.values is not None:
        raise Unexplained("merging an object in json but data type is not struct, instead is: map")
    if not schema.fields:
        return None
    found = schema.fields.get(key)
    if found is None:
        name = schema.name.rpartition(".")[2]
        raise Unexplained(f'unable to find api field in struct {name} for the json field "{key}"')
    return found


def _extract(name: str, prefix: str, otherwise: str) -> str:
    """The field that `$setElementOrder/field` speaks of."""
    start, slash, key = name.partition("/")
    if not slash or start != prefix:
        raise BadRequest(otherwise)
    return key


def _discard_nulls(value: Any) -> Any:
    """What is new in the object brings no nulls: there is nothing to delete."""
    if isinstance(value, dict):
        for key in [key for key, inner in value.items() if inner is None]:
            del value[key]
        for inner in value.values():
            _discard_nulls(inner)
    elif isinstance(value, list):
        for inner in value:
            _discard_nulls(inner)
    return value


def _retain_keys(original: Object, patch: Object) -> None:
    if RETAIN_KEYS not in patch:
        return
    retained = patch.pop(RETAIN_KEYS)
    if not isinstance(retained, list):
        raise BadRequest(BAD_RETAIN_KEYS)
    for key, value in patch.items():
        if value is not None and not key.startswith((DELETE_FROM, ELEMENT_ORDER)) and key not in retained:
            raise BadRequest(BAD_RETAIN_KEYS)
    for key in [key for key in original if key not in retained]:
        del original[key]


def _expect_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unexplained(f"expected a []interface {{}}, but received a {go_type(value)}")
    return value


def _ordered_lists(original: Object, patch: Object, schema: Schema | None) -> None:
    """Merge the lists that `$setElementOrder` speaks of, order them, and take both out of the patch."""
    for name in [name for name in patch if name.startswith(ELEMENT_ORDER)]:
        order = _expect_list(patch.pop(name))
        key = _extract(name, ELEMENT_ORDER, BAD_ELEMENT_ORDER)
        live = _expect_list(original[key]) if key in original else None
        wanted = _expect_list(patch[key]) if key in patch else None
        field = _lookup(schema, key)
        merge_key = field.patch_merge_key if field else ""
        lists.check_order(wanted or [], order, merge_key, f"${ELEMENT_ORDER[1:]}")
        if live is None and wanted is None:
            continue
        before = list(live or [])
        if live is None:
            merged = list(wanted or [])
        elif wanted is None:
            merged = live
        else:
            merged = _merge_list(live, wanted, field, False)
        original[key] = lists.arrange(merged, order, before, merge_key)
        patch.pop(key, None)


def _merge_list(original: list[Any], patch: list[Any], field: Field | None, deletes: bool) -> list[Any]:
    if strategy(field) != "merge" and not deletes:
        return patch
    if not original and not patch:
        return original
    kind = lists.element_kind(original, patch)
    if kind != "map":
        if deletes:
            return [item for item in original if item not in patch]
        merged = original + [item for item in patch if item not in original]
        return lists.arrange(list(dict.fromkeys(merged)), patch, original, "")
    merge_key = field.patch_merge_key if field else ""
    if not merge_key:
        raise Unexplained("cannot merge lists without merge key for type struct")
    original, patch = _special_items(original, patch, merge_key)
    items = field.schema.items if field else None
    live = list(original)
    return lists.arrange(_merge_items(original, patch, merge_key, items), patch, live, merge_key)


def _special_items(original: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Carry out the directives of a list's items: what is left of the list, and of the patch."""
    plain: list[Any] = []
    replace = False
    for item in patch:
        match item.get(DIRECTIVE, plain):
            case "delete":
                value = lists.key_of(item, merge_key)
                original = [live for live in original if live.get(merge_key, plain) != value]
            case "replace":
                replace = True
            case "merge":
                raise Unexplained("merging lists cannot yet be specified in the patch")
            case other if other is plain:
                plain.append(item)
            case other:
                raise Unexplained(f"unknown patch type: {go_text(other)} in map: {go_text(item)}")
    return (plain, []) if replace else (original, plain)


def _merge_items(original: list[Any], patch: list[Any], merge_key: str, items: Schema | None) -> list[Any]:
    for item in patch:
        at = lists.find(original, merge_key, lists.key_of(item, merge_key))
        if at is None:
            original.append(_discard_nulls(item))
        else:
            original[at] = merge_map(original[at], item, items)
    return original
