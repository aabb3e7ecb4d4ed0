"""As whom a container runs and what it may do: the pod's security context under the container's own. Pure.

Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/security_context.go, pkg/securitycontext.
"""

from collections.abc import Sequence
from typing import Any

from kubelet.environment import ConfigError
from kubelet.runtime import ImageSeen, Security

LOCALHOST = "localhost/"  # before the name of a profile that the node keeps


def security_of(pod: Any, container: Any, image: ImageSeen, seccomp_default: bool = False) -> Security:
    """`seccomp_default`: who names no seccomp profile gets the engine's. Raises `ConfigError` where the image's user
    breaks runAsNonRoot."""
    own, whole = container.securityContext, pod.spec.securityContext
    capabilities = own.capabilities if own else None
    privileged = bool(own and own.privileged)
    seccomp = profile_name(effective(pod, container, "seccompProfile"), "" if seccomp_default else "unconfined")
    return Security(
        user=user_of(pod, container, image),
        groups=_groups(whole),
        strict_groups=bool(whole and whole.supplementalGroupsPolicy == "Strict"),
        privileged=privileged,
        read_only_root=bool(own and own.readOnlyRootFilesystem),
        add_capabilities=(capabilities.add if capabilities else None) or (),
        drop_capabilities=(capabilities.drop if capabilities else None) or (),
        no_new_privileges=bool(own and own.allowPrivilegeEscalation is False),
        seccomp="unconfined" if privileged else seccomp,
        app_armor="unconfined" if privileged else profile_name(effective(pod, container, "appArmorProfile"), ""),
        selinux=_selinux(effective(pod, container, "seLinuxOptions")),
        unmasked_proc=bool(own and own.procMount == "Unmasked"),
    )


def effective(pod: Any, container: Any, name: str) -> Any:
    """A field of the container's security context, else of the pod's."""
    for context in (container.securityContext, pod.spec.securityContext):
        value = getattr(context, name, None) if context else None
        if value is not None:
            return value
    return None


def _groups(context: Any) -> Sequence[int]:
    if context is None:
        return ()
    fs_group = [] if context.fsGroup is None else [context.fsGroup]
    return list(dict.fromkeys([*(context.supplementalGroups or ()), *fs_group]))


def profile_name(profile: Any, unsaid: str) -> str:
    """Of seccomp or AppArmor; `unsaid` where the pod names none. "" or "runtime/default" is the engine's own."""
    if not profile:
        return unsaid
    if profile.type == "Localhost":
        return f"{LOCALHOST}{profile.localhostProfile}"
    return "runtime/default" if profile.type == "RuntimeDefault" else "unconfined"


def _selinux(options: Any) -> Sequence[str]:
    """As the engine takes labels: user:…, role:…, type:…, level:…"""
    found = [(name, getattr(options, name, None)) for name in ("user", "role", "type", "level")] if options else ()
    return [f"{name}:{value}" for name, value in found if value]


def user_of(pod: Any, container: Any, image: ImageSeen) -> str:
    """`uid[:gid]`, or "" for the image's own."""
    user, group = effective(pod, container, "runAsUser"), effective(pod, container, "runAsGroup")
    if effective(pod, container, "runAsNonRoot"):
        _check_not_root(pod, container, user, image)
    if user is None and group is None:
        return ""
    base = str(user) if user is not None else image.user.partition(":")[0] or "0"
    return base if group is None else f"{base}:{group}"


def _check_not_root(pod: Any, container: Any, user: int | None, image: ImageSeen) -> None:
    where = f'(pod: "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})", container: {container.name})'
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if user is not None:
        return
    name = image.user.partition(":")[0]
    if name in ("", "0"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        why = f"image has non-numeric user ({name}), cannot verify user is non-root"
        raise ConfigError(f"container has runAsNonRoot and {why} {where}")
