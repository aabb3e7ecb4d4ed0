"""Sets of fields: a tree of path elements, kept in the very form that FieldsV1 writes.

    FieldsV1                                     means
    {"f:data": {".": {}, "f:k": {}}}             .data and .data.k
    {"f:data": {"f:k": {}}}                      .data.k alone

`{}` under an element is short for `{".": {}}`: the field itself, nothing below it. Sets are values: no operation
changes its arguments, and results share what did not change; only `insert` changes its own set, which must not share.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from apiserver.managedfields import element as elements

Path = tuple[str, ...]
Tree = dict[str, Any]  # of trees

SELF = "."
LEAF: Tree = {SELF: {}}


class FieldSet:
    __slots__ = ("tree",)

    def __init__(self, tree: Tree | None = None) -> None:
        self.tree: Tree = {} if tree is None else tree

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "FieldSet":
        found = cls()
        for path in paths:
            found.insert(path)
        return found

    @classmethod
    def decode(cls, fields: Tree) -> "FieldSet":
        """From a FieldsV1 that a client wrote; raises ValueError. Nobody owns the whole object: a root `.` goes."""
        tree = _canonical(fields)
        tree.pop(SELF, None)
        return cls(tree)

    def encode(self) -> Tree:
        """To FieldsV1; the tree itself, not a copy."""
        return self.tree

    def insert(self, path: Path) -> None:
        """Add one field; its parents are not added. The empty path is ignored."""
        if not path:
            return
        self.graft(path, {})

    def graft(self, path: Path, tree: Tree) -> None:
        """Add a tree at a path that is not empty."""
        node = self.tree
        for step in path[:-1]:
            node = _inner(node, step)
        _add(node, path[-1], tree)

    def has(self, step: str) -> bool:
        """Whether the element is a member itself."""
        below = self.tree.get(step)
        return below is not None and (not below or SELF in below)

    def below(self, step: str) -> "FieldSet":
        """What lies under an element."""
        below = self.tree.get(step)
        if not below:
            return EMPTY
        return FieldSet({key: tree for key, tree in below.items() if key != SELF})

    def __bool__(self) -> bool:
        return bool(self.tree)

    def __contains__(self, path: Path) -> bool:
        node = self.tree
        for step in path[:-1]:
            node = node.get(step, {})
        return FieldSet(node).has(path[-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.tree == other.tree

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: "FieldSet") -> "FieldSet":
        return FieldSet(_union(self.tree, other.tree))

    def __and__(self, other: "FieldSet") -> "FieldSet":
        return FieldSet(_both(self.tree, other.tree))

    def __sub__(self, other: "FieldSet") -> "FieldSet":
        """The fields that are not in `other`; taking a parent leaves its children."""
        return FieldSet(_minus(self.tree, other.tree))

    def without(self, other: "FieldSet") -> "FieldSet":
        """The fields that are neither in `other` nor below a field of `other`."""
        return FieldSet(_cut(self.tree, other.tree))

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """Every field in order: members first, then what lies deeper."""
        steps = sorted((step for step in self.tree if step != SELF), key=elements.order)
        yield from ((*prefix, step) for step in steps if self.has(step))
        for step in steps:
            yield from self.below(step).paths((*prefix, step))


EMPTY = FieldSet()


def show(path: Path) -> str:
    """A path as messages show it: `.spec.containers[name="c"].image`."""
    return "".join(map(elements.shown, path))


def _inner(node: Tree, step: str) -> Tree:
    """The tree under a step, to add to: made where there is none, spelt out where it is a leaf."""
    below: Tree | None = node.get(step)
    if below is None:
        below = node[step] = {}
    elif not below:
        below = node[step] = {SELF: {}}
    return below


def _add(node: Tree, step: str, tree: Tree) -> None:
    known = node.get(step)
    node[step] = tree if known is None else _short(_union(known or LEAF, tree or LEAF))


def _short(tree: Tree) -> Tree:
    return {} if tree == LEAF else tree


def _canonical(fields: Tree) -> Tree:
    tree: Tree = {}
    for text, below in fields.items():
        if not isinstance(below, dict):
            raise ValueError(f"invalid fields under {text}")
        step = text if text == SELF else elements.canonical(text)
        tree[step] = {} if text == SELF else _short(_canonical(below))
    return tree


def _union(one: Tree, other: Tree) -> Tree:
    merged = dict(one)
    for step, tree in other.items():
        known = merged.get(step)
        if known is None:
            merged[step] = tree
        elif known is not tree and known != tree:
            merged[step] = _short(_union(known or LEAF, tree or LEAF))
    return merged


def _both(one: Tree, other: Tree) -> Tree:
    shared: Tree = {}
    for step in one.keys() & other.keys():
        tree = {} if step == SELF else _both(one[step] or LEAF, other[step] or LEAF)
        if tree or step == SELF:
            shared[step] = _short(tree)
    return shared


def _minus(one: Tree, other: Tree) -> Tree:
    """`one` itself where nothing of it goes."""
    left = one
    for step in one.keys() & other.keys():
        whole = one[step] or LEAF
        rest = {} if step == SELF else _minus(whole, other[step] or LEAF)
        if rest is not whole:
            left = dict(left) if left is one else left
            _put(left, step, rest)
    return left


def _cut(one: Tree, other: Tree) -> Tree:
    left = one
    for step in one.keys() & other.keys():
        away = other[step]
        whole = one[step]
        rest = {} if not away or SELF in away else _cut(whole, away)
        if rest is not whole or not rest:
            if not whole and away and SELF not in away:
                continue  # the field itself stays, what lies below it is not here
            left = dict(left) if left is one else left
            _put(left, step, rest)
    return left


def _put(tree: Tree, step: str, rest: Tree) -> None:
    if rest:
        tree[step] = _short(rest)
    else:
        del tree[step]
