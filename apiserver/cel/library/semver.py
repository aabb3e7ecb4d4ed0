"""Versions: `semver('1.2.3')`. Source: apiserver/pkg/cel/library/semverlib.go, blang/semver."""

import re

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import SEMVER, Opaque
from podling.api.field import show

_NUMBER = r"(0|[1-9]\d*)"
_FORM = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")
_SHORT = "short version cannot contain PreRelease/Build meta data"


def _parse(text: str, normalize: bool = False) -> Opaque:
    if normalize:
        text = _normal(text)
    found = _FORM.fullmatch(text)
    if not found:
        raise EvalError(_wrong(text))
    numbers, before = ".".join(found.groups()[:3]), found[4]
    for part in (before or "").split(".") if before is not None else ():
        if not part:
            raise EvalError("prerelease is empty")
        if part.isdigit() and len(part) > 1 and part[0] == "0":
            raise EvalError(f"numeric PreRelease version must not contain leading zeroes {show(part)}")
    return Opaque(SEMVER.name, numbers + (f"-{before}" if before else ""))


def _wrong(text: str) -> str:
    if not text:
        return "version string empty"
    parts = text.split(".", 2)
    if len(parts) != 3:
        return "No Major.Minor.Patch elements found"
    for part, name in zip(parts, ("major", "minor", "patch"), strict=True):
        number = re.split(r"[-+]", part)[0] if name == "patch" else part
        if not number.isdigit():
            return f"Invalid character(s) found in {name} number {show(number)}"
        if len(number) > 1 and number[0] == "0":
            return f"{name.capitalize()} number must not contain leading zeroes {show(number)}"
    return f"Invalid character(s) found in prerelease or build of {show(text)}"


def _normal(text: str) -> str:
    """Without `v` and leading zeros, with all three numbers."""
    parts = [re.sub(r"^0+(?=\d)", "", part) for part in text.removeprefix("v").split(".", 2)]
    if len(parts) < 3 and re.search(r"[-+]", parts[-1]):
        raise EvalError(_SHORT)
    return ".".join([*parts, "0", "0"][:3])


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _parse(text, normalize)
    except EvalError:
        return False
    return True


def _key(version: Opaque) -> tuple[list[int], bool, list[tuple[bool, int, str]]]:
    """A release is after what comes before it; numbers are before words."""
    numbers, _, before = version.text.partition("-")
    parts = before.split(".") if before else []
    keys = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
    return [int(each) for each in numbers.split(".")], not before, keys


def _compare(one: Opaque, other: Opaque) -> int:
    return (_key(one) > _key(other)) - (_key(one) < _key(other))


FUNCTIONS: tuple[Function, ...] = (
    function("semver(string) -> Semver", _parse),
    function("semver(string, bool) -> Semver", _parse),
    function("isSemver(string) -> bool", _is_semver),
    function("isSemver(string, bool) -> bool", _is_semver),
    function("Semver.isGreaterThan(Semver) -> bool", lambda one, other: _compare(one, other) > 0),
    function("Semver.isLessThan(Semver) -> bool", lambda one, other: _compare(one, other) < 0),
    function("Semver.compareTo(Semver) -> int", _compare),
    *(
        function(f"Semver.{name}() -> int", lambda version, place=place: _key(version)[0][place])
        for place, name in enumerate(("major", "minor", "patch"))
    ),
)
