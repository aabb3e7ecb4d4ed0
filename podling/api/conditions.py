"""The conditions of a status: at most one of each type, and each knows since when it has been as it is. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]


def find(conditions: Iterable[Object] | None, type: str) -> Object | None:
    return next((each for each in conditions or () if each.get("type") == type), None)


def holds(conditions: Iterable[Object] | None, type: str) -> bool:
    found = find(conditions, type)
    return found is not None and found.get("status") == "True"


def turned(conditions: Iterable[Object] | None, wanted: Mapping[str, Any], now: str) -> list[Object]:
    """All conditions with the wanted one in its type's place, or at the end. Its time is kept while its status is."""
    known = list(conditions or ())
    before = find(known, wanted["type"])
    if before is None:
        return [*known, {**wanted, "lastTransitionTime": now}]
    since = before.get("lastTransitionTime") if before.get("status") == wanted["status"] else now
    after = {**wanted, "lastTransitionTime": since or now}
    return [after if each is before else each for each in known]
