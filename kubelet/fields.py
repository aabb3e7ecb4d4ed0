"""What a pod asks for and does not get: of podling, and of the engine here. Pure.

Nothing is silently ignored. kubectl showed a `Warning:` of the first when the pod was written; a pod that a controller
made, and what depends on the engine, is told by one Warning event, `FieldNotSupported`.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from podling.api.unsupported import UNSUPPORTED, Unsupported, of_containers, unsupported
from podling.client.codec import plain

NO_SELINUX = "the engine has no SELinux; the pod runs without it"
WITHOUT_SELINUX: Sequence[Unsupported] = (
    Unsupported("securityContext.seLinuxOptions", NO_SELINUX),
    *of_containers("securityContext.seLinuxOptions", NO_SELINUX),
)


def not_honoured(pod: Any, security: AbstractSet[str] = frozenset()) -> Sequence[str]:
    """A sentence a field. `security` is what the engine can enforce."""
    table = UNSUPPORTED if "selinux" in security else (*UNSUPPORTED, *WITHOUT_SELINUX)
    return unsupported(plain(pod.spec) or {}, table=table)
