"""Lists and maps that a body gave empty: Go leaves them out where it writes, but defaults and rules still see them.

    body ──shape──▶ object without them ──seen──▶ default ──▶ ──seen──▶ validate ──▶ stored without them

Only fields where a rule tells empty from none are looked at: those that say `empty` in facts.tsv. Pure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from apiserver.schema.shape import Where, way

Object = dict[str, Any]


class Empties:
    """Those of one object that is wanted. A write may make its object anew at each attempt: `keep` takes the newest."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: Sequence[tuple[Where, Any]] = ()

    def keep(self, found: Sequence[tuple[Where, Any]]) -> None:
        self._found = found

    @contextmanager
    def seen(self, obj: Object) -> Iterator[None]:
        """Meanwhile they stand in the object, where nothing else does; what is still empty then goes again."""
        for where, value in self._found:
            holder = _holder(obj, where)
            if holder is not None and holder.get(where.label) is None:
                holder[where.label] = type(value)()
        try:
            yield
        finally:
            for where, _ in self._found:
                holder = _holder(obj, where)
                if holder is not None and not holder.get(where.label):
                    holder.pop(where.label, None)


def _holder(obj: Object, where: Where) -> dict[str | int, Any] | None:
    """What it stands in; None where defaults or admission took that away."""
    found: Any = obj
    for label in way(where.outer):
        try:
            found = found[label]
        except (KeyError, IndexError, TypeError):
            return None
    return found if isinstance(found, dict) else None
