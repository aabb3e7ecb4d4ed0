"""Columns that many kinds print, and how cells show ages and lists. Source: kubernetes/pkg/printers/internalversion."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apiserver.kinds.kind import Column, Object
from apiserver.schema.load import schema
from podling.api.meta import parse_time

MOST_SHOWN = 3
NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


def documented(type_name: str, field: str) -> str:
    """A field's documentation, which many columns take as their own."""
    return schema(type_name).fields[field].description


def age(since: str | None, now: datetime | None = None) -> str:
    """`5m`, `3h12m`, `<unknown>` of a Time."""
    if not since:
        return UNKNOWN
    return duration(int(((now or datetime.now(UTC)) - parse_time(since)).total_seconds()))


def duration(seconds: int) -> str:
    """Two digits of precision. Source: apimachinery/pkg/util/duration.HumanDuration."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 60 * 2:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m" + (f"{seconds % 60}s" if seconds % 60 else "")
    if minutes < 60 * 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h" + (f"{minutes % 60}m" if minutes % 60 else "")
    if hours < 48:
        return f"{hours}h"
    if hours < 24 * 8:
        return f"{days}d" + (f"{hours % 24}h" if hours % 24 else "")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    years = days // 365
    if hours < 24 * 365 * 8:
        return f"{years}y" + (f"{days % 365}d" if days % 365 else "")
    return f"{years}y"


def joined(items: Sequence[str]) -> str:
    return ",".join(items)


def few(items: Sequence[str], count: int | None = None) -> str:
    """The first three: `a,b,c + 2 more...`. `count` is of how many, where that is not of these."""
    more = (len(items) if count is None else count) - MOST_SHOWN
    return joined(items[:MOST_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def labelled(found: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((found or {}).items())) or NONE


def shown(name: str, type_name: str, path: str, *, missing: Any = "", kind: str = "string", **more: Any) -> Column:
    """A column that shows one field, documented as `type_name` documents it: `shown("Holder",
    "coordination.v1.LeaseSpec", "spec.holderIdentity")`. `missing` stands where the field does not."""
    parts = path.split(".")

    def cell(obj: Object) -> Any:
        found: Any = obj
        for part in parts:
            found = (found or {}).get(part)
        return missing if found is None else found

    return Column(name, kind, documented(type_name, parts[-1]), cell, **more)


def of_part(column: Column, part: Callable[[Object], Object], **changes: Any) -> Column:
    """A column that shows a part of the object: of a CronJob's Job."""
    return column._replace(cell=lambda obj: column.cell(part(obj)), **changes)


def _name(obj: Object) -> Any:
    return obj["metadata"].get("name", "")


def _created(obj: Object) -> Any:
    return age(obj["metadata"].get("creationTimestamp"))


NAME = Column("Name", "string", documented("meta.v1.ObjectMeta", "name"), _name, format="name")
AGE = Column("Age", "string", documented("meta.v1.ObjectMeta", "creationTimestamp"), _created)
CREATED_AT = Column(
    "Created At",
    "date",
    documented("meta.v1.ObjectMeta", "creationTimestamp"),
    lambda obj: obj["metadata"].get("creationTimestamp"),
)
