"""The same object in other versions: a manager owns fields of the version that it speaks.

Source: structured-merge-diff, merge/update.go: Updater.update, prune, addBackOwnedItems.
"""

from collections.abc import Callable
from typing import Any, Protocol

from apiserver.managedfields.compare import Comparison, compare
from apiserver.managedfields.ignored import ignored_fields
from apiserver.managedfields.shape import Shape, shape_of
from apiserver.schema.schema import Schema

Object = dict[str, Any]


class Elsewhere(Protocol):
    """How to see an object in other versions."""

    def schema(self, api_version: str) -> Schema | None:
        """None where the version is not served: what is owned in it is owned no more."""

    def converted(self, obj: Object, api_version: str) -> Object:
        """The object, which says its apiVersion, in a version that is served."""


class Nowhere:
    """There is one version only."""

    def schema(self, api_version: str) -> Schema | None:
        return None

    def converted(self, obj: Object, api_version: str) -> Object:
        return obj


NOWHERE = Nowhere()


class Compared:
    """What changed between two objects, as each version sees it; compared once a version, when first asked for."""

    def __init__(self, api_version: str, found: Comparison, look: Callable[[str], Comparison | None]) -> None:
        self._found: dict[str, Comparison | None] = {api_version: found}
        self._look = look

    def at(self, api_version: str) -> Comparison | None:
        if api_version not in self._found:
            self._found[api_version] = self._look(api_version)
        return self._found[api_version]


def compared(  # noqa: PLR0917
    old: Object, new: Object, api_version: str, found: Comparison, subresource: str, elsewhere: Elsewhere
) -> Compared:
    """`found` is what changed in the version of both objects."""

    def look(version: str) -> Comparison | None:
        schema = elsewhere.schema(version)
        if schema is None:
            return None
        before, after = (elsewhere.converted({**each, "apiVersion": api_version}, version) for each in (old, new))
        return compare(before, after, shape_of(schema)).without(ignored_fields(schema, subresource))

    return Compared(api_version, found, look)


class Places:
    """Where a configuration is merged: its own version first, others as managers need them."""

    def __init__(self, api_version: str, shape: Shape, elsewhere: Elsewhere) -> None:
        self.api_version, self._shape, self._elsewhere = api_version, shape, elsewhere

    def shape(self, api_version: str) -> Shape | None:
        if api_version == self.api_version:
            return self._shape
        schema = self._elsewhere.schema(api_version)
        return shape_of(schema) if schema is not None else None

    def moved(self, obj: Object, start: str, end: str) -> Object:
        return obj if start == end else self._elsewhere.converted({**obj, "apiVersion": start}, end)
