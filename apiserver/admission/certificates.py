"""CertificateSigningRequests: who asks is written by the server; who approves and signs needs to be allowed that.

Source: kubernetes/plugin/pkg/admission/certificates/{approval,signing,subjectrestriction}; the requester is written by
the strategy in Kubernetes.
"""

from apiserver.admission.plugin import Admission, Validating
from apiserver.authz.authorizer import MASTERS, Chain
from apiserver.request import Attributes, User
from podling.api.certificate_request import CLIENT, Malformed, parse, subject
from podling.api.errors import GroupResource

GROUP = "certificates.k8s.io"
REQUESTS = GroupResource(GROUP, "certificatesigningrequests")


class CertificateRequester:
    """A request is its creator's, whatever it says of itself."""

    name = "CertificateRequester"

    async def admit(self, write: Admission) -> None:
        made = write.creates(*REQUESTS)
        if made is None:
            return
        spec, user = made.setdefault("spec", {}), write.user
        extra = {name: list(values) for name, values in user.extra.items()}
        for name, value in (
            ("username", user.name),
            ("uid", user.uid),
            ("groups", list(user.groups)),
            ("extra", extra),
        ):
            spec.pop(name, None)
            if value:
                spec[name] = value

    async def validate(self, write: Admission) -> None:
        return None


class _Permitted(Validating):
    """Whoever writes a subresource of a request must hold its verb for the signer."""

    verb = ""
    subresource = ""

    def __init__(self, authorizer: Chain) -> None:
        self._authorizer = authorizer

    async def validate(self, write: Admission) -> None:
        of, found, old = write.kind.resource, write.object, write.old
        if (of, write.subresource, write.operation) != (REQUESTS, self.subresource, "UPDATE") or found is None:
            return
        signer = (old or found).get("spec", {}).get("signerName", "")
        if self.concerns(write) and not self._may(write.user, signer):
            raise write.forbidden(f'user not permitted to {self.verb} requests with signerName "{signer}"')

    def concerns(self, write: Admission) -> bool:
        return True

    def _may(self, user: User, signer: str) -> bool:
        domain = signer.partition("/")[0]
        return any(
            self._authorizer.authorize(Attributes(user, self.verb, GROUP, "*", "signers", name=name)).allowed
            for name in (signer, f"{domain}/*")
        )


class CertificateApproval(_Permitted):
    name = "CertificateApproval"
    verb, subresource = "approve", "approval"


class CertificateSigning(_Permitted):
    name = "CertificateSigning"
    verb, subresource = "sign", "status"

    def concerns(self, write: Admission) -> bool:
        now, was = ((obj or {}).get("status") or {} for obj in (write.object, write.old))
        return any(now.get(name) != was.get(name) for name in ("certificate", "conditions"))


class CertificateSubjectRestriction(Validating):
    """Nobody becomes a member of system:masters by a certificate of the cluster's own signer."""

    name = "CertificateSubjectRestriction"

    async def validate(self, write: Admission) -> None:
        made = write.creates(*REQUESTS)
        if made is None or (made.get("spec") or {}).get("signerName") != CLIENT:
            return
        try:
            asked = subject(parse(made["spec"].get("request") or ""))
        except Malformed as error:
            raise write.forbidden(f"failed to parse CSR: {error}") from None
        if MASTERS in asked.organizations:
            raise write.forbidden(f"use of {CLIENT} signer with system:masters group is not allowed")
