"""Named formats: `format.dns1123Label().validate(self.name)`. Source: apiserver/pkg/cel/library/format.go.

`validate` and `format.named` answer a list of one or of none, of which `tokens.with_optionals` makes an optional.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date

from apiserver.cel.errors import EvalError
from apiserver.cel.library import url
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import FORMAT, Opaque

Check = Callable[[str], list[str]]

_UUID = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?")


def _prefix(check: Check) -> Check:
    """What begins a generated name may end with a hyphen."""
    return lambda text: check(re.sub(r"-$", "a", text))


def _uri(text: str) -> list[str]:
    try:
        url.split(text)
    except EvalError as error:
        return [str(error).removeprefix("URL parse error during conversion from string: ")]
    return []


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return ["invalid base64"]
    return [] if text else ["invalid base64"]


def _date(text: str) -> list[str]:
    try:
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return [] if len(text) == 10 else ["invalid date"]


def _datetime(text: str) -> list[str]:
    return [] if _TIME.fullmatch(text) and not _date(text[:10]) else ["invalid datetime"]


def _name(rule: str) -> Check:
    """A rule of `apiserver/kinds/names.py`, looked up late: kinds have expressions."""

    def check(text: str) -> list[str]:
        from apiserver.kinds import names

        found: list[str] = getattr(names, rule)(text)
        return found

    return check


FORMATS: dict[str, Check] = {
    "dns1123Label": _name("label"),
    "dns1123Subdomain": _name("subdomain"),
    "dns1035Label": _name("label_1035"),
    "qualifiedName": _name("qualified"),
    "dns1123LabelPrefix": _prefix(_name("label")),
    "dns1123SubdomainPrefix": _prefix(_name("subdomain")),
    "dns1035LabelPrefix": _prefix(_name("label_1035")),
    "labelValue": _name("label_value"),
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}


def _named(name: str) -> list[Opaque]:
    return [Opaque(FORMAT.name, name)] if name in FORMATS else []


def _validate(format_: Opaque, text: str) -> list[list[str]]:
    wrong = FORMATS[format_.text](text)
    return [wrong] if wrong else []


FUNCTIONS: tuple[Function, ...] = (
    function("format.named(string) -> optional_type<NamedFormat>", _named),
    function("NamedFormat.validate(string) -> optional_type<list<string>>", _validate),
    *(function(f"format.{name}() -> NamedFormat", lambda name=name: Opaque(FORMAT.name, name)) for name in FORMATS),
)
