"""The admission chain, in Kubernetes' order."""

from collections.abc import Callable, Iterable

from apiserver.admission.certificates import (
    CertificateApproval,
    CertificateRequester,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from apiserver.admission.defaultingressclass import DefaultIngressClass
from apiserver.admission.defaulttolerationseconds import DefaultTolerationSeconds
from apiserver.admission.draadminaccess import DRAAdminAccess
from apiserver.admission.escalation import Escalation
from apiserver.admission.limitranger import LimitRanger
from apiserver.admission.namespacelifecycle import NamespaceLifecycle
from apiserver.admission.noderestriction import NodeRestriction
from apiserver.admission.paramaccess import ParamAccess
from apiserver.admission.plugin import Admission, Mutating, Plugin, Validating
from apiserver.admission.podsecurity import PodSecurity
from apiserver.admission.policies.mutating import MutatingAdmissionPolicy
from apiserver.admission.policies.validating import ValidatingAdmissionPolicy
from apiserver.admission.priority import Priority
from apiserver.admission.resourcequota import Count, ResourceQuota, uncounted
from apiserver.admission.runtimeclass import RuntimeClass
from apiserver.admission.serviceaccount import ServiceAccount
from apiserver.admission.storage import DefaultStorageClass, StorageObjectInUseProtection
from apiserver.admission.taintnodesbycondition import TaintNodesByCondition
from apiserver.admission.unsupportedfields import UnsupportedFields
from apiserver.admission.webhooks.mutating import MutatingAdmissionWebhook
from apiserver.admission.webhooks.validating import ValidatingAdmissionWebhook
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.webhook.client import WebhookClient


class Chain:
    """Runs every plugin in turn; the first refusal ends it. `served` gives all kinds of now."""

    def __init__(
        self,
        lister: Lister,
        authorizer: Authorizers,
        count: Count = uncounted,
        warn_unsupported: bool = False,
        *,
        served: Callable[[], Iterable[Kind]] = tuple,
        webhooks: WebhookClient | None = None,
    ) -> None:
        webhooks = webhooks or WebhookClient(lister)
        self.plugins: tuple[Plugin, ...] = (
            NamespaceLifecycle(lister),
            LimitRanger(lister),
            ServiceAccount(lister),
            NodeRestriction(lister),
            TaintNodesByCondition(),
            PodSecurity(lister),
            Priority(lister),
            DefaultTolerationSeconds(),
            DefaultStorageClass(lister),
            StorageObjectInUseProtection(),
            DefaultIngressClass(lister),
            RuntimeClass(lister),
            CertificateApproval(authorizer),
            CertificateSigning(authorizer),
            CertificateSubjectRestriction(),
            Escalation(authorizer),
            *([UnsupportedFields()] if warn_unsupported else ()),
            ParamAccess(lister, served, authorizer.authorize),
            MutatingAdmissionPolicy(lister, served, authorizer.authorize),
            MutatingAdmissionWebhook(lister, served, webhooks, authorizer.authorize),
            CertificateRequester(),
            DRAAdminAccess(lister),
            ValidatingAdmissionPolicy(lister, served, authorizer.authorize),
            ValidatingAdmissionWebhook(lister, served, webhooks, authorizer.authorize),
            ResourceQuota(lister, count),
        )

        self._admitting = tuple(plugin for plugin in self.plugins if not isinstance(plugin, Validating))
        self._validating = tuple(plugin for plugin in self.plugins if not isinstance(plugin, Mutating))

    async def admit(self, write: Admission) -> None:
        await self._admit(write)
        if write.rounds.wanted:  # once more, for plugins that a webhook's change may concern; never a third time
            write.rounds.second = True
            await self._admit(write)

    async def _admit(self, write: Admission) -> None:
        for plugin in self._admitting:
            await plugin.admit(write)

    async def validate(self, write: Admission) -> None:
        for plugin in self._validating:
            await plugin.validate(write)
