"""The Pod Security Standards: what a pod does that its namespace's level does not let it. Pure.

    privileged  everything
    baseline    nothing that is known to escalate
    restricted  baseline, and the habits of a hardened pod

Each check tells a reason and a detail, both in Kubernetes' words. The standards grow: a check counts since a minor
version of Kubernetes 1, and may say more or less since a later one. Source: k8s.io/pod-security-admission/policy.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from apiserver.authz.references import containers

Object = dict[str, Any]

LEVELS = ("privileged", "baseline", "restricted")
APPARMOR_PREFIX = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"  # annotations, before there was a field
SECCOMP_PREFIX = "container.seccomp.security.alpha.kubernetes.io/"
CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
SELINUX_TYPES = {"": 0, "container_t": 0, "container_init_t": 0, "container_kvm_t": 0, "container_engine_t": 31}
SYSCTLS = {  # and since when
    "kernel.shm_rmid_forced": 0,
    "net.ipv4.ip_local_port_range": 0,
    "net.ipv4.ip_unprivileged_port_start": 0,
    "net.ipv4.ping_group_range": 0,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
}
VOLUMES = (
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
    "secret",
)
NEWEST = 35  # the minor version in which the standards changed last


class Violation(NamedTuple):
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Pod:
    """A pod, or a template of one, as the checks of a minor version read it."""

    def __init__(self, body: Object, minor: int) -> None:
        self.minor = minor
        self.spec: Object = body.get("spec") or {}
        self.annotations: Object = (body.get("metadata") or {}).get("annotations") or {}
        self.context: Object = self.spec.get("securityContext") or {}
        self.containers = [(c.get("name", ""), c, c.get("securityContext") or {}) for c in containers(self.spec)]
        self.windows = minor >= 25 and (self.spec.get("os") or {}).get("name") == "windows"
        self.own_users = minor >= 35 and self.spec.get("hostUsers") is False

    def named(self, wrong: Callable[[Object, Object], Any]) -> list[str]:
        """The containers for which `wrong(container, its security context)`."""
        return [name for name, container, context in self.containers if wrong(container, context)]


def violations(body: Object, level: str, version: str = "latest") -> list[Violation]:
    """What a pod at this level may not do, by the standards of a version (`v1.30`); [] is nothing."""
    minor = NEWEST if version == "latest" else min(int(version.removeprefix("v1.")), NEWEST)
    pod = Pod(body, minor)
    rules = {"privileged": (), "baseline": BASELINE, "restricted": RESTRICTED}[level]
    counting = [rule for rule in rules if rule.since <= minor]
    replaced = {rule.replaces for rule in counting}
    found = (rule.check(pod) for rule in counting if rule.check not in replaced)
    return [violation for violation in found if violation is not None]


def plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def quote(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def who(names: Sequence[str]) -> str:
    return f"{plural('container', 'containers', len(names))} {quote(names)}"


def setters(pod_too: bool, names: Sequence[str]) -> str:
    return " and ".join([*(["pod"] if pod_too else []), *([who(names)] if names else [])])


def app_armor(pod: Pod) -> Violation | None:
    bad: set[str] = set()

    def wrong(context: Object) -> bool:
        said = (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault")
        if said not in {"RuntimeDefault", "Localhost"}:
            bad.add(said)
            return True
        return False

    by = setters(wrong(pod.context), pod.named(lambda _, context: wrong(context)))
    allowed = ("", "runtime/default")
    annotated = sorted(
        f"{key}={quote([value])}"
        for key, value in pod.annotations.items()
        if key.startswith(APPARMOR_PREFIX) and value not in allowed and not value.startswith("localhost/")
    )
    if annotated:
        by = " and ".join(filter(None, (by, plural("annotation", "annotations", len(annotated)))))
    values = [*sorted(bad), *annotated]
    if not values:
        return None
    reason = plural("forbidden AppArmor profile", "forbidden AppArmor profiles", len(values))
    return Violation(reason, f"{by} must not set AppArmor profile type to {quote(values)}")


def capabilities(pod: Pod) -> Violation | None:
    bad: set[str] = set()

    def wrong(_: Object, context: Object) -> bool:
        added = set((context.get("capabilities") or {}).get("add") or ()) - CAPABILITIES
        bad.update(added)
        return bool(added)

    names = pod.named(wrong)
    detail = f"{who(names)} must not include {quote(sorted(bad))} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail) if names else None


def host_namespaces(pod: Pod) -> Violation | None:
    used = [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key)]
    return Violation("host namespaces", ", ".join(used)) if used else None


def host_paths(pod: Pod) -> Violation | None:
    names = [volume.get("name", "") for volume in pod.spec.get("volumes") or () if volume.get("hostPath") is not None]
    detail = f"{plural('volume', 'volumes', len(names))} {quote(names)}"
    return Violation("hostPath volumes", detail) if names else None


def host_ports(pod: Pod) -> Violation | None:
    ports: set[str] = set()

    def wrong(container: Object, _: Object) -> bool:
        used = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        ports.update(used)
        return bool(used)

    names = pod.named(wrong)
    uses = plural("uses", "use", len(names))
    detail = f"{who(names)} {uses} {plural('hostPort', 'hostPorts', len(ports))} {', '.join(sorted(ports))}"
    return Violation("hostPort", detail) if names else None


def host_probes(pod: Pod) -> Violation | None:
    hosts: set[str] = set()

    def wrong(container: Object, _: Object) -> bool:
        said = {handler.get("host", "") for handler in _handlers(container)} - {""}
        hosts.update(said)
        return bool(said)

    names = sorted(set(pod.named(wrong)))
    what = plural("probe or lifecycle host", "probe or lifecycle hosts", len(hosts))
    detail = f"{who(names)} {plural('uses', 'use', len(names))} {what} {quote(sorted(hosts))}"
    return Violation("probe or lifecycle host", detail) if names else None


def _handlers(container: Object) -> Iterator[Object]:
    lifecycle = container.get("lifecycle") or {}
    probes = [container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in (*probes, lifecycle.get("postStart"), lifecycle.get("preStop")):
        for key in ("httpGet", "tcpSocket"):
            yield (handler or {}).get(key) or {}


def privileged(pod: Pod) -> Violation | None:
    names = pod.named(lambda _, context: context.get("privileged"))
    return Violation("privileged", f"{who(names)} must not set securityContext.privileged=true") if names else None


def proc_mount(pod: Pod) -> Violation | None:
    return None if pod.own_users else default_proc_mount(pod)


def default_proc_mount(pod: Pod) -> Violation | None:
    bad: set[str] = set()

    def wrong(_: Object, context: Object) -> bool:
        said = context.get("procMount") or "Default"
        bad.update({said} - {"Default"})
        return bool(said != "Default")

    names = pod.named(wrong)
    detail = f"{who(names)} must not set securityContext.procMount to {quote(sorted(bad))}"
    return Violation("procMount", detail) if names else None


def se_linux(pod: Pod) -> Violation | None:
    types: set[str] = set()
    said: dict[str, bool] = {"user": False, "role": False}

    def wrong(context: Object) -> bool:
        options = context.get("seLinuxOptions") or {}
        type_ = options.get("type", "")
        bad = {type_} if SELINUX_TYPES.get(type_, NEWEST + 1) > pod.minor else set()
        types.update(bad)
        forbidden = [key for key in said if options.get(key)]
        said.update(dict.fromkeys(forbidden, True))
        return bool(bad or forbidden)

    by = setters(wrong(pod.context), pod.named(lambda _, context: wrong(context)))
    if not by:
        return None
    data = [f"{plural('type', 'types', len(types))} {quote(sorted(types))}"] if types else []
    data += [f"{key} may not be set" for key, is_set in said.items() if is_set]
    return Violation("seLinuxOptions", f"{by} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")


def seccomp(pod: Pod) -> Violation | None:
    return _annotated_seccomp(pod) if pod.minor < 19 else _seccomp(pod)


def _annotated_seccomp(pod: Pod) -> Violation | None:
    keys = (SECCOMP, *(SECCOMP_PREFIX + name for name, _, _ in pod.containers))
    said = ((key, pod.annotations[key]) for key in keys if key in pod.annotations)
    bad = sorted(
        {
            f"{key}={quote([value])}"
            for key, value in said
            if value not in ("runtime/default", "docker/default") and not value.startswith("localhost/")
        }
    )
    detail = f"forbidden {plural('annotation', 'annotations', len(bad))} {', '.join(bad)}"
    return Violation("seccompProfile", detail) if bad else None


def _seccomp(pod: Pod) -> Violation | None:
    bad: set[str] = set()

    def wrong(context: Object) -> bool:
        profile = context.get("seccompProfile")
        if profile is None or profile.get("type") in {"RuntimeDefault", "Localhost"}:
            return False
        bad.add(profile.get("type", ""))
        return True

    by = setters(wrong(pod.context), pod.named(lambda _, context: wrong(context)))
    detail = f"{by} must not set securityContext.seccompProfile.type to {quote(sorted(bad))}"
    return Violation("seccompProfile", detail) if by else None


def sysctls(pod: Pod) -> Violation | None:
    names = [each.get("name", "") for each in pod.context.get("sysctls") or ()]
    names = [name for name in names if SYSCTLS.get(name, NEWEST + 1) > pod.minor]
    return Violation("forbidden sysctls", ", ".join(names)) if names else None


def windows_host_process(pod: Pod) -> Violation | None:
    def wrong(context: Object) -> bool:
        return bool((context.get("windowsOptions") or {}).get("hostProcess"))

    by = setters(wrong(pod.context), pod.named(lambda _, context: wrong(context)))
    detail = f"{by} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail) if by else None


def escalation(pod: Pod) -> Violation | None:
    names = [] if pod.windows else pod.named(lambda _, context: context.get("allowPrivilegeEscalation") is not False)
    detail = f"{who(names)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail) if names else None


def all_capabilities(pod: Pod) -> Violation | None:
    if pod.windows:
        return None
    bad: set[str] = set()

    def adds(_: Object, context: Object) -> bool:
        added = set((context.get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
        bad.update(added)
        return bool(added)

    keeping = pod.named(lambda _, context: "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()))
    adding = pod.named(adds)
    details = []
    if keeping:
        details.append(f'{who(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        details.append(f"{who(adding)} must not include {quote(sorted(bad))} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def volume_types(pod: Pod) -> Violation | None:
    names, types = [], set()
    for volume in pod.spec.get("volumes") or ():
        if not any(volume.get(allowed) is not None for allowed in VOLUMES):
            names.append(volume.get("name", ""))
            types.add(next((key for key, value in volume.items() if key != "name" and value is not None), "unknown"))
    what = plural("restricted volume type", "restricted volume types", len(types))
    uses = plural("uses", "use", len(names))
    detail = f"{plural('volume', 'volumes', len(names))} {quote(names)} {uses} {what} {quote(sorted(types))}"
    return Violation("restricted volume types", detail) if names else None


def non_root(pod: Pod) -> Violation | None:
    if pod.own_users:
        return None
    said = pod.context.get("runAsNonRoot")
    by = setters(said is False, pod.named(lambda _, context: context.get("runAsNonRoot") is False))
    if by:
        return Violation("runAsNonRoot != true", f"{by} must not set securityContext.runAsNonRoot=false")
    names = [] if said else pod.named(lambda _, context: context.get("runAsNonRoot") is None)
    detail = f"pod or {who(names)} must set securityContext.runAsNonRoot=true"
    return Violation("runAsNonRoot != true", detail) if names else None


def root_user(pod: Pod) -> Violation | None:
    if pod.own_users:
        return None
    by = setters(pod.context.get("runAsUser") == 0, pod.named(lambda _, context: context.get("runAsUser") == 0))
    return Violation("runAsUser=0", f"{by} must not set runAsUser=0") if by else None


def some_seccomp(pod: Pod) -> Violation | None:
    if pod.windows:
        return None
    bad = _seccomp(pod)
    if bad is not None:
        return bad
    names = [] if pod.context.get("seccompProfile") else pod.named(lambda _, context: not context.get("seccompProfile"))
    detail = f'pod or {who(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation("seccompProfile", detail) if names else None


Check = Callable[[Pod], Violation | None]


class Rule(NamedTuple):
    check: Check
    since: int = 0  # the minor version
    replaces: Check | None = None  # of the level below


BASELINE = (
    Rule(app_armor),
    Rule(capabilities),
    Rule(host_namespaces),
    Rule(host_paths),
    Rule(host_ports),
    Rule(host_probes, 34),
    Rule(privileged),
    Rule(proc_mount),
    Rule(se_linux),
    Rule(seccomp),
    Rule(sysctls),
    Rule(windows_host_process),
)
RESTRICTED = (
    *BASELINE,
    Rule(escalation, 8),
    Rule(all_capabilities, 22, capabilities),
    Rule(default_proc_mount, 35),
    Rule(volume_types, 0, host_paths),
    Rule(non_root),
    Rule(root_user, 23),
    Rule(some_seccomp, 19, seccomp),
)
