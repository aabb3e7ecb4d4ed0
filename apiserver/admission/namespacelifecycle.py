"""NamespaceLifecycle: nothing is made in a namespace that is missing or going, and three namespaces stay.

Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go.
"""

from apiserver.admission.plugin import Admission, Mutating
from apiserver.lister import Lister
from podling.api import errors
from podling.api.errors import GroupResource

NAMESPACES = GroupResource("", "namespaces")
IMMORTAL = ("default", "kube-public", "kube-system")
REVIEW = "localsubjectaccessreviews"  # its answer must not tell whether a namespace exists


class NamespaceLifecycle(Mutating):
    name = "NamespaceLifecycle"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def admit(self, write: Admission) -> None:
        if write.kind.resource == NAMESPACES:
            if write.operation == "DELETE" and not write.subresource and write.name in IMMORTAL:
                raise errors.forbidden(NAMESPACES, write.name, "this namespace may not be deleted")
            return
        if not write.kind.namespaced or write.operation not in {"CREATE", "UPDATE"} or write.kind.plural == REVIEW:
            return
        namespace = self._lister.get(NAMESPACES, "", write.namespace)
        if namespace is None:
            raise errors.not_found(NAMESPACES, write.namespace)
        if write.operation == "CREATE" and (namespace.get("status") or {}).get("phase") == "Terminating":
            where = write.namespace
            refused = write.forbidden(
                f"unable to create new content in namespace {where} because it is being terminated"
            )
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {where} is being terminated"}
            refused.details = {**(refused.details or {}), "causes": [{**cause, "field": "metadata.namespace"}]}
            raise refused
