"""Which class of storage, or of ingress, counts where an object names none. Source: kubernetes/plugin/pkg/admission."""

from collections.abc import Callable
from typing import Any

from apiserver.lister import Lister
from podling.api.errors import GroupResource

Object = dict[str, Any]


def default_class(lister: Lister, classes: GroupResource, is_default: Callable[[Object], bool]) -> str | None:
    """Of several default classes the newest, of two as new the first by name; None where there is none."""
    found = [each["metadata"] for each in lister.list(classes) if is_default(each)]
    by_name = sorted(found, key=lambda meta: str(meta["name"]))
    newest = max(by_name, key=lambda meta: str(meta.get("creationTimestamp", "")), default=None)
    return str(newest["name"]) if newest else None
