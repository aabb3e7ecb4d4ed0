"""The names of a definition: what they must be, and who has them where several definitions of a group want the same.

Source: ValidateCustomResourceDefinitionNames; k8s.io/apiextensions-apiserver/pkg/controller/status.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from apiserver.kinds.names import label_1035
from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

MIXED = "may have mixed case, but should otherwise match: "


def label(value: str, path: Path, head: str = "") -> ErrorList:
    """A DNS label, all that is wrong with it in one error."""
    found = label_1035(value.lower() if head else value)
    return [field.invalid(path, value, head + ",".join(found))] if found else []


def validate(names: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for name in ("plural", "singular"):
        if value := names.get(name):
            errors += label(value, path.child(name))
    for name in ("kind", "listKind"):
        if value := names.get(name):
            errors += label(value, path.child(name), MIXED)
    for position, value in enumerate(names.get("shortNames") or ()):
        errors += label(value, path.child("shortNames").index(position))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.append(field.invalid(path.child("listKind"), names["listKind"], "kind and listKind may not be the same"))
    for position, value in enumerate(names.get("categories") or ()):
        errors += label(value, path.child("categories").index(position))
    return errors


def validate_required(names: Object, path: Path) -> ErrorList:
    wanted = ("plural", "singular", "kind", "listKind")
    return [field.required(path.child(name)) for name in wanted if not names.get(name)]


class Claimed(NamedTuple):
    """What others of a group have: their plurals, singulars and short names; their kinds and list kinds."""

    resources: frozenset[str]
    kinds: frozenset[str]


def claimed(definitions: Iterable[Object]) -> Claimed:
    resources: set[str] = set()
    kinds: set[str] = set()
    for definition in definitions:
        accepted = (definition.get("status") or {}).get("acceptedNames") or {}
        resources |= {accepted.get("plural", ""), accepted.get("singular", ""), *(accepted.get("shortNames") or ())}
        kinds |= {accepted.get("kind", ""), accepted.get("listKind", "")}
    return Claimed(frozenset(resources), frozenset(kinds))


class Accepted(NamedTuple):
    """The names that are accepted now; `reason` is empty where none of those wanted is taken."""

    names: Object
    reason: str
    message: str


def accept(wanted: Object, accepted: Object, taken: Claimed) -> Accepted:
    """`accepted` are the definition's own so far; `taken` is of the others of its group. The last conflict is told."""
    names, reason, message = dict(accepted), "", ""
    for name, used, word in (
        ("plural", taken.resources, "PluralConflict"),
        ("singular", taken.resources, "SingularConflict"),
        ("shortNames", taken.resources, "ShortNamesConflict"),
        ("kind", taken.kinds, "KindConflict"),
        ("listKind", taken.kinds, "ListKindConflict"),
    ):
        if conflict := _conflict(wanted.get(name), accepted.get(name), used):
            reason, message = word, conflict
        else:
            _set(names, name, wanted.get(name))
    _set(names, "categories", wanted.get("categories"))
    return Accepted(names, reason, message)


def _set(names: Object, name: str, value: Any) -> None:
    """`plural` and `kind` are always there."""
    if value or name in ("plural", "kind"):
        names[name] = value or ""
    else:
        names.pop(name, None)


def _conflict(wanted: Any, accepted: Any, used: frozenset[str]) -> str:
    if isinstance(wanted, list):
        words = [f"{field.show(each)} is already in use" for each in wanted if each in used - set(accepted or ())]
        return words[0] if len(words) == 1 else f"[{', '.join(dict.fromkeys(words))}]" if words else ""
    if wanted == accepted or (wanted or "") not in used:
        return ""
    return f"{field.show(wanted)} is already in use"
