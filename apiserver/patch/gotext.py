"""Values as Go prints them (`%v`, `%#v`) and names their types, for messages that show them."""

import json
from typing import Any


def go_text(value: Any) -> str:
    """`%v`: maps sorted by key, `map[a:1 b:[x y]]`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    if isinstance(value, float):
        return go_float(value)
    return str(value)


def go_syntax(value: Any) -> str:
    """`%#v`: the value as Go source."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)}:{go_syntax(value[key])}" for key in sorted(value))
        return "map[string]interface {}{" + inside + "}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(go_syntax(item) for item in value) + "}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return go_text(value)


def go_float(value: float) -> str:
    """The shortest text, with an exponent below 1e-4 and from 1e21 on."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" in text and 1e-4 <= abs(value) < 1e21:
        text = f"{value:f}".rstrip("0")
    return text


def go_type(value: Any) -> str:
    """The type of a decoded JSON value: `map[string]interface {}`."""
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return go_kind(value)


def go_kind(value: Any) -> str:
    """The kind of a decoded JSON value: `map`, `slice`, `string`, `int64`, `float64`, `bool`."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int64"
        case float():
            return "float64"
        case str():
            return "string"
        case dict():
            return "map"
        case list():
            return "slice"
        case _:
            return "<nil>"


def json_kind(value: Any) -> str:
    """The word of Go's decoder for a JSON value: object, array, string, number, bool."""
    words = {"map": "object", "slice": "array", "int64": "number", "float64": "number"}
    return words.get(go_kind(value), go_kind(value))
