"""Whether an image must be pulled, and what is said about it. Pure.

    policy          on the engine   may be used by this pod   → verdict
    ────────────────────────────────────────────────────────────────────
    Never           yes             yes                       → READY
    Never           no, or may not                            → REFUSED
    IfNotPresent    yes             yes                       → READY
    IfNotPresent    no, or may not                            → PULL
    Always          …                                         → PULL

`kubelet.images.pulled` says who may use what. Source: k8s.io/kubernetes/pkg/kubelet/images/image_manager.go.
"""

from enum import Enum
from typing import Any

from kubelet.runtime import ImageSeen
from podling.api.pod_defaults import pull_policy


class Verdict(Enum):
    READY = "ready"
    PULL = "pull"
    REFUSED = "refused"


def policy_of(container: Any) -> str:
    """As the API server defaults it: Always for `:latest` and no tag."""
    return str(container.imagePullPolicy or pull_policy(container.image or ""))


def judge(policy: str, seen: ImageSeen | None, may_use: bool) -> Verdict:
    if policy != "Always" and seen and may_use:
        return Verdict.READY
    return Verdict.REFUSED if policy == "Never" else Verdict.PULL


def present_message(image: str) -> str:
    return f'Container image "{image}" already present on machine and can be accessed by the pod'


def never_message(image: str) -> str:
    return f'Container image "{image}" is not present with pull policy of Never'


def pulled_message(image: str, seconds: float, whole_seconds: float, size_bytes: int) -> str:
    took, whole = spell(seconds), spell(whole_seconds)
    return f'Successfully pulled image "{image}" in {took} ({whole} including waiting). Image size: {size_bytes} bytes.'


def spell(seconds: float) -> str:
    """A duration as Go prints it, cut to milliseconds: `0s`, `85ms`, `1.2s`, `2m3.5s`, `1h0m2s`."""
    milli = int(seconds * 1000 + 1e-6)
    if milli < 1000:
        return f"{milli}ms" if milli else "0s"
    hours, rest = divmod(milli, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text
