"""DefaultIngressClass: ingresses without a class get the default one.

Source: kubernetes/plugin/pkg/admission/network/defaultingressclass.
"""

from apiserver.admission.defaultclass import default_class
from apiserver.admission.plugin import Admission, Mutating
from apiserver.kinds.networking.ingress import CLASS
from apiserver.kinds.networking.ingress_class import is_default
from apiserver.lister import Lister
from podling.api.errors import GroupResource

INGRESSES, CLASSES = (
    GroupResource("networking.k8s.io", "ingresses"),
    GroupResource("networking.k8s.io", "ingressclasses"),
)


class DefaultIngressClass(Mutating):
    name = "DefaultIngressClass"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def admit(self, write: Admission) -> None:
        ingress = write.creates(*INGRESSES)
        if ingress is None or CLASS in (ingress["metadata"].get("annotations") or {}):
            return
        spec = ingress.setdefault("spec", {})
        if spec.get("ingressClassName") is not None:
            return
        if name := default_class(self._lister, CLASSES, is_default):
            spec["ingressClassName"] = name
