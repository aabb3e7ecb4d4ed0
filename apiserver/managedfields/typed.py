"""Does an applied configuration fit its schema? Source of words: structured-merge-diff, typed/validate.go."""

from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import Path, show
from apiserver.managedfields.shape import SchemaError, Shape, shape_of
from apiserver.patch.gotext import go_syntax, go_text, go_type

Errors = list[tuple[Path, str]]


def misfit(config: dict[str, Any], shape: Shape) -> str:
    """What is wrong, "" for nothing: `.data.number: expected string, got …`, several one a line."""
    errors: Errors = []
    _validate(config, shape, (), errors)
    texts = [f"{show(path)}: {words}" if path else words for path, words in errors]
    return texts[0] if len(texts) == 1 else "\n".join(["errors:", *(f"  {text}" for text in texts)]) if texts else ""


def _validate(value: Any, shape: Shape, path: Path, errors: Errors) -> None:
    if value is None or shape.kind == "any":
        return
    if shape.kind == "scalar":
        if words := _scalar(value, shape.scalar):
            errors.append((path, words))
    elif shape.kind == "map" or (shape.kind == "atomic" and _is_map(shape)):
        _members(value, shape, path, errors)
    elif shape.kind == "list" or (shape.kind == "atomic" and shape.schema is not None and shape.schema.type == "array"):
        _items(value, shape, path, errors)


def _is_map(shape: Shape) -> bool:
    schema = shape.schema
    return schema is not None and schema.type == "object" and bool(schema.fields or schema.values)


def _scalar(value: Any, wanted: str) -> str:
    boxed = f"&value.valueUnstructured{{Value:{go_syntax(value)}}}"
    brief = f"&{{{go_text(value)}}}"
    if wanted == "string" and not isinstance(value, str):
        return f"expected string, got {boxed}"
    if wanted == "numeric" and (isinstance(value, bool) or not isinstance(value, int | float)):
        return f"expected numeric (int or float), got {go_type(value)}"
    if wanted == "boolean" and not isinstance(value, bool):
        return f"expected boolean, got {brief}"
    if wanted == "untyped" and isinstance(value, dict | list):
        return f"expected any scalar, got {brief}"
    return ""


def _members(value: Any, shape: Shape, path: Path, errors: Errors) -> None:
    if not isinstance(value, dict):
        errors.append((path, f"expected map, got &{{{go_text(value)}}}"))
        return
    for name in sorted(value):
        inner = shape.member(name)
        step = (*path, element.member(name))
        if inner is None:
            errors.append((step, "field not declared in schema"))
            return
        _validate(value[name], inner, step, errors)


def _items(value: Any, shape: Shape, path: Path, errors: Errors) -> None:
    if not isinstance(value, list):
        errors.append((path, f"expected list, got &{{{go_text(value)}}}"))
        return
    seen: set[str] = set()
    inner = shape_of(shape.schema.items) if shape.schema is not None and shape.schema.items is not None else shape.items
    for position, item in enumerate(value):
        step = f"{element.INDEX}{position}"
        if shape.kind == "list":
            try:
                step = shape.element(item)
            except SchemaError as wrong:
                errors.append((path, f"element {position}: {wrong}"))
                return
            if step in seen:
                errors.append((path, f"duplicate entries for key {element.shown(step)}"))
            seen.add(step)
        _validate(item, inner, (*path, step), errors)
