"""Lists and maps with a bound and rules for what is in them. Pure.

Source: validateSlice, validateSet and validateMap of kubernetes/pkg/apis/resource/validation.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from podling.api import field
from podling.api.field import ErrorList, Path

T = TypeVar("T")
Check = Callable[[T, Path], ErrorList]


def validate_list(items: Sequence[T] | None, most: int, check: Check[T], path: Path) -> ErrorList:
    """Too many are not looked at one by one."""
    items = items or ()
    if len(items) > most:
        return [field.too_many(path, len(items), most)]
    return [error for place, each in enumerate(items) for error in check(each, path.index(place))]


def validate_set(
    items: Sequence[T] | None, most: int, check: Check[T], path: Path, key: Callable[[T], Any] = lambda item: item
) -> ErrorList:
    """A list in which no two have the same key."""
    items = items or ()
    errors = validate_list(items, most, check, path)
    if len(items) > most:
        return errors
    keys = [key(each) for each in items]
    return errors + [
        field.duplicate(path.index(place), each) for place, each in enumerate(keys) if each in keys[:place]
    ]


def validate_map(
    found: Mapping[str, T] | None, most: int, check_key: Check[str], check: Check[T], path: Path, *, shown: int
) -> ErrorList:
    """Keys in their order; in paths long ones lose their middle, what is beyond `shown` characters."""
    found = found or {}
    if len(found) > most:
        return [field.too_many(path, len(found), most)]
    errors: ErrorList = []
    for key, each in sorted(found.items()):
        errors += [*check_key(key, path), *check(each, path.key(_short(key, shown)))]
    return errors


_ELLIPSIS = "..."


def _short(key: str, most: int) -> str:
    rest = most - len(_ELLIPSIS)
    return key if len(key) <= most else key[: (rest + 1) // 2] + _ELLIPSIS + key[len(key) - rest // 2 :]
