"""Sets of fields: a tree of path elements, some of which are members.

    FieldsV1                                     means
    {"f:data": {".": {}, "f:k": {}}}             .data and .data.k
    {"f:data": {"f:k": {}}}                      .data.k alone

Sets are values: no operation changes its arguments; only `insert` changes its own set.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from apiserver.managedfields import element as elements

Path = tuple[str, ...]


class FieldSet:
    """`members` are the elements here that belong to the set, `children` what lies under elements."""

    __slots__ = ("children", "members")

    def __init__(self, members: set[str] | None = None, children: "dict[str, FieldSet] | None" = None) -> None:
        self.members: set[str] = members if members is not None else set()
        self.children: dict[str, FieldSet] = children if children is not None else {}

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "FieldSet":
        found = cls()
        for path in paths:
            found.insert(path)
        return found

    @classmethod
    def decode(cls, fields: dict[str, Any]) -> "FieldSet":
        """From FieldsV1; raises ValueError. A `.` at the root means nothing: nobody owns the whole object."""
        found = cls()
        for text, below in fields.items():
            if text == ".":
                continue
            if not isinstance(below, dict):
                raise ValueError(f"invalid fields under {text}")
            element = elements.canonical(text)
            child = cls.decode(below)
            if child.members or child.children:
                found.children[element] = child
            if not below or "." in below:
                found.members.add(element)
        return found

    def encode(self) -> dict[str, Any]:
        """To FieldsV1, its keys in order."""
        encoded: dict[str, Any] = {}
        for element in sorted(self.members | self.children.keys(), key=elements.order):
            child = self.children.get(element)
            below = child.encode() if child is not None else {}
            if below and element in self.members:
                below = {".": {}, **below}
            if below or element in self.members:
                encoded[element] = below
        return encoded

    def insert(self, path: Path) -> None:
        """Add one field; its parents are not added. The empty path is ignored."""
        if not path:
            return
        node = self
        for element in path[:-1]:
            node = node.children.setdefault(element, FieldSet())
        node.members.add(path[-1])

    def __bool__(self) -> bool:
        return bool(self.members) or any(self.children.values())

    def __contains__(self, path: Path) -> bool:
        node: FieldSet | None = self
        for element in path[:-1]:
            node = node.children.get(element) if node is not None else None
        return node is not None and path[-1] in node.members

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: "FieldSet") -> "FieldSet":
        children = dict(self.children)
        for element, child in other.children.items():
            children[element] = children[element] | child if element in children else child
        return FieldSet(self.members | other.members, children)

    def __and__(self, other: "FieldSet") -> "FieldSet":
        shared = self.children.keys() & other.children.keys()
        children = {element: self.children[element] & other.children[element] for element in shared}
        return FieldSet(self.members & other.members, _kept(children))

    def __sub__(self, other: "FieldSet") -> "FieldSet":
        """The fields that are not in `other`; taking a parent leaves its children."""
        children = {
            element: child - other.children[element] if element in other.children else child
            for element, child in self.children.items()
        }
        return FieldSet(self.members - other.members, _kept(children))

    def without(self, other: "FieldSet") -> "FieldSet":
        """The fields that are neither in `other` nor below a field of `other`."""
        children = {
            element: child.without(other.children[element]) if element in other.children else child
            for element, child in self.children.items()
            if element not in other.members
        }
        return FieldSet(self.members - other.members, _kept(children))

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """Every field in order: members first, then what lies deeper."""
        for element in sorted(self.members, key=elements.order):
            yield (*prefix, element)
        for element in sorted(self.children, key=elements.order):
            yield from self.children[element].paths((*prefix, element))


EMPTY = FieldSet()


def _kept(children: dict[str, FieldSet]) -> dict[str, FieldSet]:
    return {element: child for element, child in children.items() if child}


def show(path: Path) -> str:
    """A path as messages show it: `.spec.containers[name="c"].image`."""
    return "".join(map(elements.shown, path))
