"""Security contexts of pods and containers. Source: kubernetes/pkg/apis/core/validation.ValidateSecurityContext."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.capabilities import CAPABILITIES
from apiserver.kinds.pod.paths import descending
from apiserver.kinds.pod.windows import validate_options
from podling.api import field
from podling.api.field import ErrorList, Path

ID_RANGE = "must be between 0 and 2147483647, inclusive"
PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_SYSCTL_FORM = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"


def _id(context: Mapping[str, Any], name: str, path: Path) -> ErrorList:
    value = context.get(name)
    return [] if value is None or 0 <= value < 2**31 else [field.invalid(path.child(name), value, ID_RANGE)]


def _known(context: Mapping[str, Any], name: str, known: Sequence[str], path: Path) -> ErrorList:
    value = context.get(name)
    return [] if value is None or value in known else [field.not_supported(path.child(name), value, known)]


def validate_pod_context(spec: Object, path: Path) -> ErrorList:
    context = spec.get("securityContext")
    if context is None:
        return []
    errors = _id(context, "fsGroup", path) + _id(context, "runAsUser", path) + _id(context, "runAsGroup", path)
    for position, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group < 2**31:
            errors.append(field.invalid(path.child("supplementalGroups").index(position), group, ID_RANGE))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        words = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(field.invalid(path.child("shareProcessNamespace"), True, words))
    errors += _sysctls(spec, context.get("sysctls") or (), path.child("sysctls"))
    errors += _known(context, "fsGroupChangePolicy", ("Always", "OnRootMismatch"), path)
    errors += _seccomp(context.get("seccompProfile"), path.child("seccompProfile"))
    errors += validate_options(context.get("windowsOptions"), path.child("windowsOptions"))
    errors += _app_armor(context.get("appArmorProfile"), path.child("appArmorProfile"))
    errors += _known(context, "supplementalGroupsPolicy", ("Merge", "Strict"), path)
    return errors + _known(context, "seLinuxChangePolicy", ("MountOption", "Recursive"), path)


def _sysctls(spec: Object, sysctls: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(sysctls):
        here, name = path.index(position).child("name"), each.get("name", "")
        if not name:
            errors.append(field.required(here))
        elif len(name) > 253 or not _SYSCTL.fullmatch(name):
            words = f"must have at most 253 characters and match regex {_SYSCTL_FORM}"
            errors.append(field.invalid(here, name, words))
        elif name in seen:
            errors.append(field.duplicate(here, name))
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.append(field.invalid(here, name, "may not be specified when 'hostNetwork' is true"))
        if spec.get("hostIPC") and dotted.startswith(("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")):
            errors.append(field.invalid(here, name, "may not be specified when 'hostIPC' is true"))
        seen.add(name)
    return errors


def validate_container_context(context: Object | None, path: Path, *, host_users: bool) -> ErrorList:
    if context is None:
        return []
    errors: ErrorList = []
    if context.get("privileged") and not CAPABILITIES.allow_privileged:
        errors.append(field.forbidden(path.child("privileged"), "disallowed by cluster policy"))
    errors += _id(context, "runAsUser", path) + _id(context, "runAsGroup", path)
    errors += _known(context, "procMount", ("Default", "Unmasked"), path)
    if context.get("procMount") == "Unmasked" and host_users:
        words = "`hostUsers` must be false to use `Unmasked`"
        errors.append(field.invalid(path.child("procMount"), "Unmasked", words))
    errors += _seccomp(context.get("seccompProfile"), path.child("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        head = "cannot set `allowPrivilegeEscalation` to false and "
        if context.get("privileged"):
            errors.append(field.invalid(path, _internal(context), head + "`privileged` to true"))
        added = (context.get("capabilities") or {}).get("add") or ()
        if "CAP_SYS_ADMIN" in added:
            errors.append(field.invalid(path, _internal(context), head + "`capabilities.Add` CAP_SYS_ADMIN"))
    errors += validate_options(context.get("windowsOptions"), path.child("windowsOptions"))
    return errors + _app_armor(context.get("appArmorProfile"), path.child("appArmorProfile"))


def _seccomp(profile: Object | None, path: Path) -> ErrorList:
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    errors: ErrorList = []
    if not kind:
        errors.append(field.required(path.child("type"), "type is required when seccompProfile is set"))
    elif kind not in PROFILES:
        errors.append(field.not_supported(path.child("type"), kind, PROFILES))
    here = path.child("localhostProfile")
    if kind == "Localhost":
        if local is None:
            return [*errors, field.required(here, "must be set when seccomp type is Localhost")]
        return errors + descending(local, here)
    if local is not None:
        shown = {"Type": kind, "LocalhostProfile": local}
        errors.append(field.invalid(here, shown, "can only be set when seccomp type is Localhost"))
    return errors


def _app_armor(profile: Object | None, path: Path) -> ErrorList:
    if profile is None:
        return []
    kind, local, here = profile.get("type", ""), profile.get("localhostProfile"), path.child("localhostProfile")
    if not kind:
        return [field.required(path.child("type"), "type is required when appArmorProfile is set")]
    if kind not in PROFILES:
        return [field.not_supported(path.child("type"), kind, PROFILES)]
    if kind != "Localhost":
        words = "can only be set when AppArmor type is Localhost"
        return [] if local is None else [field.invalid(here, local, words)]
    if not local:
        return [field.required(here, "must be set when AppArmor type is Localhost")]
    errors: ErrorList = []
    if local.strip() != local:
        errors.append(field.invalid(here, local, "must not be padded with whitespace"))
    return [*errors, field.too_long(here, 4095)] if len(local.encode()) > 4095 else errors


_ORDER = (
    *("capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot"),
    *("readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile", "appArmorProfile"),
)


def _internal(context: Object) -> dict[str, Any]:
    """A context as Go's internal type prints: every field, in its order and under its Go name."""
    found: dict[str, Any] = {}
    for name in _ORDER:
        value = context.get(name)
        if name == "capabilities" and value is not None:
            value = {"Add": value.get("add"), "Drop": value.get("drop")}
        elif isinstance(value, dict):
            value = {key[0].upper() + key[1:]: each for key, each in value.items()}
        found["SELinuxOptions" if name == "seLinuxOptions" else name[0].upper() + name[1:]] = value
    return found
