"""Nobody grants more than they hold: `apiserver.authz.escalation` at its place in the chain.

In Kubernetes the storage of the RBAC kinds asks this, after admission and before validation.
"""

from apiserver.admission.plugin import Admission, Mutating
from apiserver.authz import escalation
from apiserver.authz.authorizer import Chain


class Escalation(Mutating):
    name = "Escalation"

    def __init__(self, authorizer: Chain) -> None:
        self._authorizer = authorizer

    async def admit(self, write: Admission) -> None:
        if write.operation in {"CREATE", "UPDATE"} and write.object is not None and not write.subresource:
            grant = escalation.Grant(write.user, write.kind.resource, write.namespace, write.object, write.old)
            escalation.check(self._authorizer, grant)
