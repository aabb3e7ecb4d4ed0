"""The selectors of an access review: what an authorizer sees of them, and what it cannot. Pure.

Source: k8s.io/kubernetes/pkg/registry/authorization/util/helpers.go.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from podling.api.selectortext import SelectorError, parse_fields, parse_labels

Object = Mapping[str, Any]

FIELDS = {"In": "=", "NotIn": "!="}
LABELS = ("In", "NotIn", "Exists", "DoesNotExist")


class Seen(NamedTuple):
    """`query` has the selector as a query would have it, as far as it is understood; `wrong`: some of it is not."""

    query: str
    wrong: bool


def fields(selector: Object) -> Seen:
    if raw := selector.get("rawSelector"):
        return _raw(str(raw), parse_fields)
    terms = selector.get("requirements") or ()
    found = [each for each in terms if each.get("operator") in FIELDS and len(each.get("values") or ()) == 1]
    query = ",".join(f"{each['key']}{FIELDS[each['operator']]}{each['values'][0]}" for each in found)
    return Seen(query, len(found) < len(terms))


def labels(selector: Object) -> Seen:
    if raw := selector.get("rawSelector"):
        return _raw(str(raw), parse_labels)
    terms = selector.get("requirements") or ()
    found = [each for each in terms if each.get("operator") in LABELS]
    return Seen(",".join(each["key"] for each in found), len(found) < len(terms))


def _raw(text: str, parse: Callable[[str], Any]) -> Seen:
    try:
        parse(text)
    except SelectorError:
        return Seen("", True)
    return Seen(text, False)


def ignored(attributes: Object) -> list[str]:
    """What the answer tells of selectors that are wrong."""
    found: list[str] = []
    for name, read in (("fieldSelector", fields), ("labelSelector", labels)):
        seen = read(attributes.get(name) or {})
        if seen.wrong:
            how = "partially ignored" if seen.query else "ignored"
            found.append(f"spec.resourceAttributes.{name} {how} due to parse error")
    return found
