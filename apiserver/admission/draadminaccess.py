"""Claims of devices that others have already are for namespaces of administrators.

Source: kubernetes/pkg/registry/resource/utils.go (AuthorizedForAdmin); the storage asks it in Kubernetes.
"""

from apiserver.admission.plugin import Admission, Validating
from apiserver.lister import Lister
from podling.api import errors
from podling.api.errors import GroupResource
from podling.api.field import FieldError

NAMESPACES = GroupResource("", "namespaces")
LABEL = "resource.kubernetes.io/admin-access"
WORDS = f"Forbidden: admin access to devices requires the `{LABEL}: true` label on the containing namespace"


class DRAAdminAccess(Validating):
    name = "DRAAdminAccess"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def validate(self, write: Admission) -> None:
        claim = write.creates("resource.k8s.io", "resourceclaims")
        template = write.creates("resource.k8s.io", "resourceclaimtemplates")
        spec = (claim or {}).get("spec") or ((template or {}).get("spec") or {}).get("spec") or {}
        requests = (spec.get("devices") or {}).get("requests") or ()
        if not any((each.get("exactly") or {}).get("adminAccess") for each in requests):
            return
        namespace = self._lister.get(NAMESPACES, "", write.namespace) or {"metadata": {}}
        if (namespace["metadata"].get("labels") or {}).get(LABEL) != "true":
            raise errors.invalid(
                write.kind.group, write.kind.kind, write.name, [FieldError("FieldValueForbidden", "", WORDS)]
            )
