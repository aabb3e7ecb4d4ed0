"""Which calls of custom resources are taken. Others are answered as Kubernetes' own handler of them does.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go.
"""

from apiserver.crd.status import is_true
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.refusal import NothingHere
from apiserver.request import Attributes
from podling.api import errors
from podling.api.errors import BadRequest, GroupResource, MethodNotAllowed

DEFINITIONS = GroupResource("apiextensions.k8s.io", "customresourcedefinitions")
EVERYWHERE = ("list", "watch")


def check(lister: Lister, asked: Attributes, kind: Kind) -> None:
    """Raises `NothingHere`, `BadRequest`, `NotFound`, `MethodNotAllowed`."""
    if kind.namespaced != bool(asked.namespace) and not (kind.namespaced and asked.verb in EVERYWHERE):
        raise NothingHere()
    if asked.subresource:
        sub = kind.subresource(asked.subresource)
        if sub is None or not asked.name:
            raise errors.not_found(kind.resource, asked.name)
        if asked.verb not in sub.verbs:
            raise _not_supported(kind, asked.verb)
    elif asked.verb in ("update", "patch") and not asked.name:
        raise BadRequest("name must be provided")
    elif asked.verb == "create" and is_true(lister.get(DEFINITIONS, "", str(kind.resource)), "Terminating"):
        words = "create not allowed while custom resource definition is terminating"
        raise MethodNotAllowed(words, _details(kind))


def _not_supported(kind: Kind, verb: str) -> MethodNotAllowed:
    return MethodNotAllowed(f'{verb} is not supported on resources of kind "{kind.resource}"', _details(kind))


def _details(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "kind": kind.plural}
