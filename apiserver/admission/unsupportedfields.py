"""UnsupportedFields: pods, and templates of pods, are warned of what podling does not do on Docker, and kinds that are
only kept of that.

Clusters of `podling up` have it; an API server alone answers as Kubernetes'."""

from apiserver.admission.plugin import Admission, Validating
from apiserver.admission.podsecurity import pod_template
from apiserver.authz.node import PODS
from podling.api.field import Path
from podling.api.unsupported import kept_only, unsupported

TEMPLATE = Path("spec.template.spec")


class UnsupportedFields(Validating):
    name = "UnsupportedFields"

    async def validate(self, write: Admission) -> None:
        if write.object is None or write.operation not in {"CREATE", "UPDATE"}:
            return
        if write.operation == "CREATE" and not write.subresource:
            write.warnings.extend(kept_only(*write.kind.resource))
        if write.kind.resource == PODS:
            if write.subresource == "ephemeralcontainers" or write.creates(*PODS):
                write.warnings.extend(unsupported(write.object.get("spec") or {}))
        elif not write.subresource and (template := pod_template(write.object)) is not None:
            write.warnings.extend(unsupported(template["spec"], TEMPLATE))
