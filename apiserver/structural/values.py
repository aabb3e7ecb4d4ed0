"""Whether a value is what its schema says, in the words of Kubernetes. A schema becomes a tree of closures.

The order of the checks, and the count of those that passed, are kube-openapi's: of several alternatives (anyOf, oneOf)
that all fail, the one with most passed checks tells why. On an update, what is wrong but did not change is let pass.

Source: k8s.io/kube-openapi/pkg/validation/{validate,errors}, apiextensions-apiserver/pkg/apiserver/validation.
"""

from collections.abc import Callable, Sequence
from typing import Any

from apiserver.patch.gotext import go_kind
from apiserver.structural.formats import known
from apiserver.structural.node import META, MISSING, Node, Props, parse, same
from apiserver.structural.numbers import is_integral, number_step
from apiserver.structural.pattern import compiled
from apiserver.structural.result import Check, Result, Step, at, invalid, one, whole, wrong_type
from podling.api import field as errors
from podling.api.field import FieldError, show

_JSON = {"map": "object", "slice": "array", "string": "string", "bool": "boolean"}
_JSON |= {"int64": "integer", "float64": "number"}
_ANY = ("map", "slice", "string", "bool", "int64", "float64")
_NUMBERS = ("int64", "float64")
_NUMERIC_FORMATS = {"integer": ("int32", "int64"), "number": ("float", "double")}


def checker(props: Props, node: Node | None = None) -> Check:
    """`node` is the schema whose list types tell which old item a new one was; an alternative within has none."""
    node = node or parse(props)
    types, form = _types(props), _format(props)
    type_, enum = _type_step(types, form, bool(props.get("nullable"))), _enum_step(props.get("enum") or ())
    says = known(form)
    steps: list[tuple[Sequence[str], Step | None, int]] = [
        (_ANY, type_ if types or form else None, 0),
        (_ANY, _junction_step(props, node), 2),
        (("string",), _string_step(props), 1),
        (("string",), _format_step(form, says) if says else None, 0),
        (_NUMBERS, number_step({**props, "format": form}), 2),
        (("slice",), _list_step(props, node), 2),
        (_ANY, enum, 1),
        (("map",), _object_step(props, node), 1),
    ]
    by_kind = {kind: [step for kinds, step, _ in steps if step and kind in kinds] for kind in _ANY}
    # A step with nothing to look at passes, and counts for as much as when it looks.
    passed = {kind: 1 + sum(count for kinds, step, count in steps if not step and kind in kinds) for kind in _ANY}

    def check(value: Any, path: str, old: Any) -> Result:
        if value is None:
            result = type_(value, path, old) or Result()
            result.merge(enum(value, path, old) if enum else None)
            return result
        kind = go_kind(value)
        result = Result(passed=passed[kind])
        for step in by_kind[kind]:
            found = step(value, path, old)
            result.passed += 1
            if found is not None:
                result.merge(found)
        return result

    return check


def ratcheted(check: Check, value: Any, path: str, old: Any) -> Result:
    """A check that forgives what did not change."""
    result = check(value, path, old)
    if result.errors and old is not MISSING and same(value, old):
        result.errors = []
    return result


def _types(props: Props) -> tuple[str, ...]:
    if props.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (props["type"],) if props.get("type") else ()


def _format(props: Props) -> str:
    """The format, "" where it means nothing to Kubernetes."""
    form, kind = props.get("format") or "", props.get("type") or ""
    if props.get("x-kubernetes-int-or-string"):
        return ""
    if kind in ("", "string"):
        return form if known(form) else ""
    return form if form in _NUMERIC_FORMATS.get(kind, ()) else ""


def _type_step(types: tuple[str, ...], form: str, nullable: bool) -> Step:
    wanted = ",".join(types)
    numeric = "number" in types or "integer" in types

    def step(value: Any, path: str, _old: Any) -> Result:
        if value is None:
            return one(wrong_type(path, wanted, "null")) if types and not nullable else Result(passed=1)
        kind = go_kind(value)
        found = _JSON[kind]
        fits = found in types or (kind == "float64" and "integer" in types and is_integral(value))
        fits = fits or (kind == "int64" and "number" in types)
        if form and kind not in ("string", "slice") and not (fits or kind == form):
            return one(wrong_type(path, form, kind if kind in _NUMBERS else ""))
        if not numeric and form and kind in ("string", "slice"):
            return Result(passed=1)
        return Result(passed=1) if fits else one(wrong_type(path, wanted, found))

    return step


def _enum_step(allowed: Sequence[Any]) -> Step | None:
    if not allowed:
        return None
    words = [each if isinstance(each, str) else show(each) for each in allowed]

    def step(value: Any, path: str, _old: Any) -> Result | None:
        if value is not None and any(_equal(value, each) for each in allowed):
            return None
        return one(errors.not_supported(at(path), "null" if value is None else value, words))

    return step


def _equal(value: Any, other: Any) -> bool:
    """Numbers are compared as numbers: 1.0 is 1."""
    if isinstance(value, int | float) and isinstance(other, int | float):
        return isinstance(value, bool) == isinstance(other, bool) and value == other
    return same(value, other)


def _string_step(props: Props) -> Step | None:
    most, least, pattern = props.get("maxLength"), props.get("minLength"), props.get("pattern") or ""
    if most is None and least is None and not pattern:
        return None

    def step(value: str, path: str, _old: Any) -> Result | None:
        if most is not None and len(value) > most:
            return one(errors.too_long(at(path), most))
        if least is not None and len(value) < least:
            return one(invalid(path, value, f"should be at least {least} chars long"))
        if pattern and (words := _mismatch(value, pattern)):
            return one(invalid(path, value, f"should match '{words}'"))
        return None

    return step


def _mismatch(value: str, pattern: str) -> str:
    try:
        return "" if compiled(pattern).search(value) else pattern
    except ValueError as error:
        return f"{pattern}, but pattern is invalid: {error}"


def _format_step(form: str, says: Callable[[str], bool]) -> Step:
    def step(value: str, path: str, _old: Any) -> Result | None:
        return None if says(value) else one(wrong_type(path, form, value))

    return step


def _list_step(props: Props, node: Node) -> Step | None:
    items = props.get("items")
    check = checker(items, node.items) if isinstance(items, dict) else None
    least, most, unique = props.get("minItems"), props.get("maxItems"), props.get("uniqueItems")
    if check is None and least is None and most is None and not unique:
        return None

    def step(value: list[Any], path: str, old: Any) -> Result:
        result = Result(passed=1)
        if check is not None:
            before = earlier(node, old)
            for position, item in enumerate(value):
                result.merge(ratcheted(check, item, f"{path}[{position}]", before(item)))
        size = len(value)
        if least is not None and size < least:
            result.add(invalid(path, size, f"should have at least {least} items"))
        if most is not None and size > most:
            result.add(errors.too_many(at(path), size, most))
        if unique and any(same(one_, other) for place, one_ in enumerate(value) for other in value[:place]):
            result.add(errors.invalid(at(path), "", f"{path} in body shouldn't contain duplicates"))
        return result

    return step


def earlier(node: Node, old: Any) -> Callable[[Any], Any]:
    """The old item that a new one of this list was: only items of a map have an identity."""
    if node.list_type != "map" or not isinstance(old, list):
        return lambda item: MISSING
    keyed = {_key(item, node): item for item in old if isinstance(item, dict)}
    return lambda item: keyed.get(_key(item, node), MISSING) if isinstance(item, dict) else MISSING


def _key(item: dict[str, Any], node: Node) -> str:
    return show([item.get(name) for name in node.list_map_keys])


def _object_step(props: Props, node: Node) -> Step:
    fields = props.get("properties") or {}
    checks = {name: checker(each, node.properties.get(name)) for name, each in sorted(fields.items())}
    more = props.get("additionalProperties")
    inner = node.values if isinstance(node.values, Node) else None
    others = checker(more, inner) if isinstance(more, dict) else None
    least, most = props.get("minProperties"), props.get("maxProperties")
    required = props.get("required") or ()

    def step(value: dict[str, Any], path: str, old: Any) -> Result:
        size = len(value)
        if least is not None and size < least:
            return one(invalid(path, size, f"should have at least {least} properties"))
        if most is not None and size > most:
            return one(errors.too_many(at(path), size, most))
        result = Result()
        before = old if isinstance(old, dict) else {}
        for name, item in sorted(value.items()):
            if name in checks:
                continue
            if more is False:
                words = f"{path}.{name} in body is a forbidden property"
                result.add(errors.invalid(at(path), name, words))
            elif others is not None:
                result.merge(ratcheted(others, item, f"{path}.{name}", before.get(name, MISSING)))
        for name, check in checks.items():
            if name in value:
                stood = before.get(name, MISSING) if path or name not in META else MISSING
                result.merge(ratcheted(check, value[name], f"{path}.{name}" if path else name, stood))
        for name in required:
            if name not in value:
                result.add(errors.required(at(f"{path}.{name}")))
        return result

    return step


def _junction_step(props: Props, node: Node) -> Step | None:
    any_of, one_of, all_of = (
        [checker(each, node) for each in props.get(name) or ()] for name in ("anyOf", "oneOf", "allOf")
    )
    but_not = checker(props["not"], node) if isinstance(props.get("not"), dict) else None
    if not (any_of or one_of or all_of or but_not):
        return None

    def step(value: Any, path: str, old: Any) -> Result:
        result = Result(passed=1)
        if any_of:
            found = [check(value, path, old) for check in any_of]
            fits = next((each for each in found if not each.errors), None)
            if fits is None:
                result.add(whole(f"{show(path)} must validate at least one schema (anyOf)"))
            result.merge(fits or _best(found))
        if one_of:
            result.merge(_exactly_one([check(value, path, old) for check in one_of], path))
        if all_of:
            found = [check(value, path, old) for check in all_of]
            for each in found:
                result.merge(each)
            failed = sum(bool(each.errors) for each in found)
            if failed:
                none = ". None validated" if failed == len(found) else ""
                result.add(whole(f"{show(path)} must validate all the schemas (allOf){none}"))
        if but_not is not None and not but_not(value, path, old).errors:
            result.add(whole(f"{show(path)} must not validate the schema (not)"))
        return result

    return step


def _exactly_one(found: list[Result], path: str) -> Result:
    fits = [each for each in found if not each.errors]
    if len(fits) == 1:
        return fits[0]
    why = f"Found {len(fits)} valid alternatives" if fits else "Found none valid"
    result = one(whole(f"{show(path)} must validate one and only one schema (oneOf). {why}"))
    if not fits:
        result.merge(_best(found))
    return result


def _best(found: list[Result]) -> Result:
    """The first of those with most passed checks."""
    return max(found, key=lambda each: each.passed)


def rebased(found: FieldError, path: str) -> FieldError:
    """An error of a value that itself stands at `path`: a default in a schema."""
    below = "" if found.field == "<nil>" else found.field
    return FieldError(found.reason, f"{path}.{below}" if below else path, found.text)
