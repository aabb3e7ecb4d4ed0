"""What expressions of admission see of a write. Source: k8s.io/apiserver/pkg/admission/plugin/cel/condition.go."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from apiserver.admission.matching import NAMESPACES
from apiserver.admission.plugin import Admission
from apiserver.admission.webhooks import review
from apiserver.admission.webhooks.review import Shown
from apiserver.authz.decision import Decision
from apiserver.cel import types
from apiserver.cel.library.authorizer import Authorizer
from apiserver.cel.types import Opaque
from apiserver.lister import Lister
from apiserver.request import Attributes
from podling.api.errors import not_found

Object = dict[str, Any]
Authorize = Callable[[Attributes], Decision]

NOT_REQUEST = ("uid", "object", "oldObject")
HIDDEN = ("managedFields", "ownerReferences", "selfLink")


def inputs(write: Admission, seen: Shown, authorize: Authorize, namespace: Object | None) -> dict[str, Any]:
    """All but `params`. Expressions read only what they mention."""
    question = review.question(write, seen, "", review.VERSIONS[0])["request"]
    return {
        "object": seen.object,
        "oldObject": seen.old,
        "request": {name: value for name, value in question.items() if name not in NOT_REQUEST},
        "namespaceObject": namespace and _shown_namespace(namespace),
        "authorizer": Authorizer(write.user, authorize),
        "authorizer.requestResource": _own(write, seen),
    }


def namespace_of(write: Admission, lister: Lister) -> Object | None:
    """The namespace that the write is in, None for what is in none, and for namespaces. Raises NotFound."""
    if not write.namespace or write.kind.resource == NAMESPACES:
        return None
    found = lister.get(NAMESPACES, "", write.namespace)
    if found is None:
        raise not_found(NAMESPACES, write.namespace)
    return found


def _shown_namespace(found: Mapping[str, Any]) -> Object:
    metadata = {name: value for name, value in found["metadata"].items() if name not in HIDDEN}
    return {"metadata": metadata, "spec": found.get("spec") or {}, "status": found.get("status") or {}}


def _own(write: Admission, seen: Shown) -> Opaque:
    """A check of what the request itself is about, with another verb."""
    asked = {
        "group": seen.kind.group,
        "resource": seen.kind.plural,
        "subresource": write.subresource,
        "namespace": write.namespace,
        "name": write.name,
    }
    return Opaque(types.RESOURCE_CHECK.name, json.dumps(asked))
