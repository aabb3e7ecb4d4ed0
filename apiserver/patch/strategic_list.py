"""The order of a list after a strategic merge.

The patch's items stand in the patch's order (or `$setElementOrder`'s), the others in the order of the live list, and
the two are woven together by the live order, as far as it knows both.
Source: k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from typing import Any

import msgspec

from apiserver.patch.gotext import go_kind, go_text, go_type
from apiserver.refusal import Unexplained
from podling.api.errors import Invalid

DIRECTIVE = "$patch"


def key_of(item: Any, merge_key: str) -> Any:
    """What tells the item apart: the value of its merge key, or the scalar itself."""
    if not merge_key:
        return item
    if not isinstance(item, dict):
        raise Unexplained(f"expected a map[string]interface {{}}, but received a {go_type(item)}")
    if merge_key not in item:
        raise Unexplained(f"map: {go_text(item)} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def find(items: list[Any], merge_key: str, value: Any) -> int | None:
    """The position of the first item with this key."""
    for position, item in enumerate(items):
        if not merge_key:
            if item == value:
                return position
        elif not isinstance(item, dict):
            raise Unexplained(f"value for key {position} is not a map.")
        elif merge_key in item and item[merge_key] == value:
            return position
    return None


def element_kind(*lists: list[Any]) -> str:
    """The one kind of all elements; raises where they differ, where there are none, and for lists of lists."""
    kinds = [go_kind(item) for items in lists for item in items]
    if not kinds:
        raise Unexplained("no elements in any of the given slices")
    if kinds[0] == "slice":
        raise Invalid("the server rejected our request due to an error in our request", {})
    if len(set(kinds)) > 1:
        shown = "[" + " ".join(go_text(items) for items in lists) + "]"
        raise Unexplained(f"list element types are not identical: {shown}")
    return kinds[0]


def check_order(patch: list[Any], order: list[Any], merge_key: str, directive: str) -> None:
    """The patch's items must stand in the order of the directive, and every one of them be named there."""
    if not patch or not order:
        return
    kept = [item for item in patch if not (isinstance(item, dict) and DIRECTIVE in item)]
    at = 0
    for wanted in order:
        if at < len(kept) and key_of(kept[at], merge_key) == key_of(wanted, merge_key):
            at += 1
    if at < len(kept):
        raise Unexplained(
            f"The order in patch list:\n{go_text(patch)}\n doesn't match {directive} list:\n{go_text(order)}\n"
        )


def arrange(merged: list[Any], patch_order: list[Any], live_order: list[Any], merge_key: str) -> list[Any]:
    """`merged` in its final order; raises for items without the key."""
    keys = [_identity(item, merge_key) for item in merged]
    wanted = _places(patch_order, merge_key)
    live = _places(live_order, merge_key)
    mine = [pair for pair in zip(keys, merged, strict=True) if pair[0] in wanted]
    others = [pair for pair in zip(keys, merged, strict=True) if pair[0] not in wanted]
    mine.sort(key=lambda pair: wanted[pair[0]])
    others.sort(key=lambda pair: live.get(pair[0], -1))
    return [item for _, item in _weave(others, mine, live)]


def _identity(item: Any, merge_key: str) -> bytes:
    """Equal for equal keys; a key may be any value."""
    return msgspec.json.encode(key_of(item, merge_key), order="sorted")


def _places(items: list[Any], merge_key: str) -> dict[bytes, int]:
    places: dict[bytes, int] = {}
    for position, item in enumerate(items):
        places.setdefault(_identity(item, merge_key), position)
    return places


Keyed = tuple[bytes, Any]


def _weave(left: list[Keyed], right: list[Keyed], live: dict[bytes, int]) -> list[Keyed]:
    """Put `left`'s items before the first of `right`'s that the live list has after them."""
    woven: list[Keyed] = []
    at = 0
    for item in right:
        while at < len(left) and left[at][0] in live and item[0] in live and live[left[at][0]] < live[item[0]]:
            woven.append(left[at])
            at += 1
        woven.append(item)
    return woven + left[at:]
