"""The admission chain, in Kubernetes' order."""

from apiserver.admission.defaultingressclass import DefaultIngressClass
from apiserver.admission.defaulttolerationseconds import DefaultTolerationSeconds
from apiserver.admission.escalation import Escalation
from apiserver.admission.limitranger import LimitRanger
from apiserver.admission.namespacelifecycle import NamespaceLifecycle
from apiserver.admission.noderestriction import NodeRestriction
from apiserver.admission.plugin import Admission, Plugin
from apiserver.admission.podsecurity import PodSecurity
from apiserver.admission.priority import Priority
from apiserver.admission.resourcequota import Count, ResourceQuota, uncounted
from apiserver.admission.runtimeclass import RuntimeClass
from apiserver.admission.serviceaccount import ServiceAccount
from apiserver.admission.storage import DefaultStorageClass, StorageObjectInUseProtection
from apiserver.admission.taintnodesbycondition import TaintNodesByCondition
from apiserver.admission.unsupportedfields import UnsupportedFields
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.lister import Lister


class Chain:
    """Runs every plugin in turn; the first refusal ends it."""

    def __init__(
        self, lister: Lister, authorizer: Authorizers, count: Count = uncounted, warn_unsupported: bool = False
    ) -> None:
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
            Escalation(authorizer),
            *([UnsupportedFields()] if warn_unsupported else ()),
            ResourceQuota(lister, count),
        )

    async def admit(self, write: Admission) -> None:
        for plugin in self.plugins:
            await plugin.admit(write)

    async def validate(self, write: Admission) -> None:
        for plugin in self.plugins:
            await plugin.validate(write)
