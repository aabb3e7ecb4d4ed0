"""Field errors: which field of an object is wrong, and why, in Kubernetes' words.

`Path` grows as validation descends: `Path("spec").child("containers").index(0).child("image")` prints as
`spec.containers[0].image`. Source of types and words: k8s.io/apimachinery/pkg/util/validation/field.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, unsafe_hash=True)
class Path:
    """A value: nobody changes it. It is not frozen because validation makes dozens an object, and that costs thrice."""

    text: str = ""

    def child(self, *names: str) -> "Path":
        return Path(".".join((self.text, *names) if self.text else names))

    def index(self, position: int) -> "Path":
        return Path(f"{self.text}[{position}]")

    def key(self, name: str) -> "Path":
        return Path(f"{self.text}[{name}]")

    def __str__(self) -> str:
        return self.text or "<nil>"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field. `reason` is the cause's machine word, `text` what stands behind the field in messages."""

    reason: str
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"

    def cause(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.text, "field": self.field}


ErrorList = list[FieldError]


def show(value: Any) -> str:
    """A value as messages show it: strings quoted, null as `null`, objects as JSON in their own order, all as Go."""
    if isinstance(value, str):
        return _quoted(value)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_HTML) if isinstance(value, dict | list) else text


_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_NAMED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _quoted(text: str) -> str:
    """`%q`: what cannot be printed is told by its number."""
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char.isprintable():
        return json.dumps(char, ensure_ascii=False)[1:-1]
    code = ord(char)
    return _NAMED.get(char) or (
        f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def _join(head: str, detail: str) -> str:
    return f"{head}: {detail}" if detail else head


def required(path: Path, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", str(path), _join("Required value", detail))


def invalid(path: Path, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", str(path), _join(f"Invalid value: {show(value)}", detail))


def wrong(path: Path, detail: str) -> FieldError:
    """Invalid as a whole: no value is shown."""
    return FieldError("FieldValueInvalid", str(path), _join("Invalid value", detail))


def type_invalid(path: Path, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueTypeInvalid", str(path), _join(f"Invalid value: {show(value)}", detail))


def not_supported(path: Path, value: Any, supported: Iterable[str]) -> FieldError:
    words = ", ".join(show(word) for word in supported)
    return FieldError(
        "FieldValueNotSupported",
        str(path),
        _join(f"Unsupported value: {show(value)}", words and f"supported values: {words}"),
    )


def duplicate(path: Path, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", str(path), f"Duplicate value: {show(value)}")


def not_found(path: Path, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", str(path), f"Not found: {show(value)}")


def forbidden(path: Path, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", str(path), _join("Forbidden", detail))


def too_long(path: Path, most_bytes: int) -> FieldError:
    return FieldError("FieldValueTooLong", str(path), f"Too long: may not be more than {most_bytes} bytes")


def too_many(path: Path, count: int, most: int) -> FieldError:
    items = "item" if most == 1 else "items"
    return FieldError("FieldValueTooMany", str(path), f"Too many: {count}: must have at most {most} {items}")
