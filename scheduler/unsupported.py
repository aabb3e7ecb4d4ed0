"""Fields that ask the scheduler for what it does not do: they are named to the user, never silently ignored."""

from typing import Any

from lightkube.models.core_v1 import Pod


def unsupported(pod: Pod) -> list[str]:
    spec: Any = pod.spec
    affinity = spec.affinity
    asked = {
        "spec.affinity.podAffinity": affinity and affinity.podAffinity,
        "spec.affinity.podAntiAffinity": affinity and affinity.podAntiAffinity,
        "spec.topologySpreadConstraints": spec.topologySpreadConstraints,
        "spec.resourceClaims": spec.resourceClaims,
    }
    return [field for field, value in asked.items() if value]
