"""Options of windows containers. Source: kubernetes/pkg/apis/core/validation.validateWindowsSecurityContextOptions."""

import re

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.capabilities import CAPABILITIES
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_SPEC_BYTES, MOST_DOMAIN, MOST_USER = 64 * 1024, 256, 104
_NETBIOS = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DNS_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")
_NOT_IN_USERS = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_PARTS = ("initContainers", "containers", "ephemeralContainers")


def validate_options(options: Object | None, path: Path) -> ErrorList:
    if options is None:
        return []
    errors: ErrorList = []
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        errors += names.each(path.child("gmsaCredentialSpecName"), name, names.subdomain(name))
    spec, here = options.get("gmsaCredentialSpec"), path.child("gmsaCredentialSpec")
    if spec == "":
        errors.append(field.invalid(here, "", "gmsaCredentialSpec cannot be an empty string"))
    elif spec is not None and len(spec) > MOST_SPEC_BYTES:
        errors.append(field.invalid(here, spec, "gmsaCredentialSpec size must be under 64 KiB"))
    user = options.get("runAsUserName")
    return errors if user is None else errors + names.each(path.child("runAsUserName"), user, _user(user))


def _user(name: str) -> list[str]:
    if not name:
        return ["runAsUserName cannot be an empty string"]
    if any(ord(each) < 32 or ord(each) == 127 for each in name):
        return ["runAsUserName cannot contain control characters"]
    if name.count("\\") > 1:
        return ["runAsUserName cannot contain more than one backslash"]
    domain, divided, user = name.rpartition("\\")
    found: list[str] = []
    if len(domain) >= MOST_DOMAIN:
        found.append(f"runAsUserName's Domain length must be under {MOST_DOMAIN} characters")
    if divided and not (_NETBIOS.fullmatch(domain) or _DNS.fullmatch(domain)):
        found.append("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    if not user:
        found.append("runAsUserName's User cannot be empty")
    elif len(user) > MOST_USER:
        found.append(f"runAsUserName's User length must not be longer than {MOST_USER} characters")
    if user and not user.strip(". "):
        found.append("runAsUserName's User cannot contain only periods or spaces")
    if _NOT_IN_USERS.search(user):
        found.append("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return found


def validate_host_process(spec: Object, path: Path) -> ErrorList:
    """All containers of a pod are host processes, or none. Source: validateWindowsHostProcessPod."""
    of_pod = _host_process(spec)
    errors: ErrorList = []
    found: list[bool] = []
    for part in _PARTS:
        for position, container in enumerate(spec.get(part) or ()):
            own = _host_process(container)
            if own is not None and of_pod is not None and own != of_pod:
                here = path.child(part).index(position).child("securityContext", "windowsOptions", "hostProcess")
                words = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
                errors.append(field.invalid(here, own, words))
            found.append(bool(of_pod if own is None else own))
    if not any(found):
        return errors
    if not all(found):
        words = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errors.append(field.invalid(path, "", words))
    if not spec.get("hostNetwork"):
        words = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.append(field.invalid(path.child("hostNetwork"), False, words))
    if not CAPABILITIES.allow_privileged:
        errors.append(field.forbidden(path, "hostProcess containers are disallowed by cluster policy"))
    return errors


def _host_process(holder: Object) -> bool | None:
    options = (holder.get("securityContext") or {}).get("windowsOptions") or {}
    value = options.get("hostProcess")
    return None if value is None else bool(value)
