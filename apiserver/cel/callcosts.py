"""What Kubernetes' functions cost at most. Source: k8s.io/apiserver/pkg/cel/library/cost.go; of sets, cel-go's ext."""

import math
from collections.abc import Callable, Sequence

from apiserver.cel import types
from apiserver.cel.costs import (
    ACROSS,
    LIST,
    MESSAGE,
    ONE,
    PATTERN,
    UNKNOWN,
    Called,
    Operand,
    Size,
    Sizes,
    add,
    kind_of,
    scaled,
    times,
)

Given = Sequence[Operand]

_CHECK = 350_000  # two questions to the authorizer in one expression
_FORMAT_CHARACTERS = 64
_NAME_PATTERN_CHARACTERS = 128
_ADDRESS_BYTES = 16
_ONE = frozenset(
    {
        "serviceAccount",
        "path",
        "group",
        "resource",
        "subresource",
        "namespace",
        "name",
        "allowed",
        "reason",
        "error",
        "errored",
        "masked",
        "prefixLength",
        "family",
        "isUnspecified",
        "isLoopback",
        "isLinkLocalMulticast",
        "isLinkLocalUnicast",
        "isGlobalUnicast",
        "format.named",
        "sign",
        "asInteger",
        "isInteger",
        "asApproximateFloat",
        "isGreaterThan",
        "isLessThan",
        "compareTo",
        "add",
        "sub",
        "major",
        "minor",
        "patch",
        "getScheme",
        "getHostname",
        "getHost",
        "getPort",
        "getEscapedPath",
        "getQuery",
    }
)
_READ = ("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver")  # their text once
_OVER = ("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf")
_KEPT = ("lowerAscii", "upperAscii", "substring", "trim")
_SETS = {"sets.contains": 1, "sets.intersects": 1, "sets.equivalent": 2}


def _of(operand: Operand, sizes: Sizes) -> Size:
    return operand.size or (sizes.size(operand.path) if operand.path else None) or UNKNOWN


def call(function: str, target: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    """None where cel-go's costs hold."""
    if function in _ONE:
        return Called(1)
    if function == "check":
        return Called(_CHECK)
    if function in _READ and given:
        return Called(scaled(_of(given[0], sizes).most, ACROSS))
    if function in _SETS and len(given) == 2:
        one, other = _of(given[0], sizes), _of(given[1], sizes)
        return Called(add(1, times(times(one.most, other.most), _SETS[function])))
    if function in _OVER and target is not None:
        return _over(target, sizes)
    if function in _KEPT and target is not None:
        size = _of(target, sizes)
        return Called(scaled(size.most, ACROSS), size)
    if (own := _OWN.get(function)) is not None:
        return own(target, given, sizes)
    return None


def _over(target: Operand, sizes: Sizes) -> Called:
    """Every item is looked at; of a text, every character."""
    size = _of(target, sizes)
    if kind_of(target.type) != "list":
        return Called(scaled(size.most, ACROSS))
    item = sizes.kind((*target.path, "@items")) if target.path else ""
    if (kind_of(target.type.list_type.elem_type) or item) in ("string", "bytes") or item in ("string", "bytes"):
        return Called(times(size.most, add(1, scaled(_item(target, sizes).most, ACROSS))))
    return Called(size.most)


def _item(target: Operand, sizes: Sizes) -> Size:
    return (sizes.size((*target.path, "@items")) if target.path else None) or UNKNOWN


def _selector(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    """A selector is a list of requirements; the shortest one that has values takes two characters."""
    length = _of(given[0], sizes).most
    return Called(add(LIST, scaled(length, ACROSS), scaled(scaled(length, 0.5), LIST + MESSAGE)))


def _url(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    size = _of(given[0], sizes)
    return Called(scaled(size.most, ACROSS), size)


def _replace(target: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    if target is None or len(given) < 2:
        return None
    text, old, new = _of(target, sizes), _of(given[0], sizes), _of(given[1], sizes)
    times_most, kept_most = _replaced(text.most, old.least, shrinks=new.most <= old.least)
    times_least, kept_least = _replaced(text.least, old.most, shrinks=old.most <= new.least)
    made = Size(times_least, times_most).times(new).plus(Size(kept_least, kept_most))
    return Called(scaled(text.most, 2 * ACROSS), made)


def _replaced(text: int, old: int, *, shrinks: bool) -> tuple[int, int]:
    """How many times something is replaced, and how much of the text stays; nothing stands around every character."""
    if old == 0:
        return add(text, 1), text
    return (0, text) if shrinks else (math.ceil(text / old), 0)


def _split(target: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    size = _of(target, sizes)
    most = size.most
    if len(given) > 1 and given[1].expr.const_expr.WhichOneof("constant_kind") == "int64_value":
        most = given[1].expr.const_expr.int64_value % 2**64
    return Called(scaled(size.most, 2 * ACROSS), Size(0, most))


def _join(target: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    items = _of(target, sizes)
    made = items.times(_item(target, sizes))
    if given:
        between = Size(max(items.least - 1, 0), max(items.most - 1, 0))
        made = made.plus(_of(given[0], sizes).times(between))
    return Called(scaled(made.most, ACROSS), made)


def _find(target: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    if target is None or not given:
        return None
    size = _of(target, sizes)
    cost = times(scaled(size.plus(ONE).most, ACROSS), scaled(_of(given[0], sizes).most, PATTERN))
    return Called(cost, Size(0, size.most))


def _ip(target: Operand | None, given: Given, sizes: Sizes) -> Called:
    return Called(1) if target is not None else Called(scaled(_of(given[0], sizes).most, ACROSS))


def _canonical(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    return Called(scaled(_of(given[0], sizes).most, 2 * ACROSS))


def _contains_ip(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    return Called(add(scaled(2 * _ADDRESS_BYTES, ACROSS), _text(given[0], sizes)))


def _contains_cidr(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    compared = add(scaled(2 * _ADDRESS_BYTES, ACROSS), scaled(_ADDRESS_BYTES, ACROSS), 1)
    return Called(add(compared, _text(given[0], sizes)))


def _text(operand: Operand, sizes: Sizes) -> int:
    """A text is read before it is compared."""
    return scaled(_of(operand, sizes).most, ACROSS) if kind_of(operand.type) != "message" else 0


def _validate(_: Operand | None, given: Given, sizes: Sizes) -> Called:
    return Called(scaled(scaled(_of(given[0], sizes).most, ACROSS), _NAME_PATTERN_CHARACTERS * PATTERN))


def _equal(_: Operand | None, given: Given, sizes: Sizes) -> Called | None:
    """Of values that only their functions look into."""
    name = given[0].type.message_type
    if not name or name != given[1].type.message_type or name not in {kind.name for kind in types.OPAQUE}:
        return None
    if name == types.FORMAT.name:
        return Called(scaled(_FORMAT_CHARACTERS, ACROSS))
    if name == types.URL.name and given[1].size is not None:
        return Called(scaled(max(given[1].size.most, 1), ACROSS))
    return Called(1)


_OWN: dict[str, Callable[[Operand | None, Given, Sizes], Called | None]] = {
    "fieldSelector": _selector,
    "labelSelector": _selector,
    "url": _url,
    "jsonpatch.escapeKey": _url,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "find": _find,
    "findAll": _find,
    "ip": _ip,
    "ip.isCanonical": _canonical,
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "validate": _validate,
    "_==_": _equal,
}
