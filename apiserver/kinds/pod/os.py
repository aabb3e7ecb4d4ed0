"""What a pod of a named operating system may not ask for.

Source: kubernetes/pkg/apis/core/validation.validateLinux, validateWindows.
"""

from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

NAMES = ("linux", "windows")
PARTS = ("initContainers", "containers", "ephemeralContainers")
# In the order in which they are named; those with a path of their own stand in the spec.
_POD_FIELDS = (
    *("securityContext.appArmorProfile", "securityContext.seLinuxOptions", "hostUsers", "hostPID", "hostIPC"),
    *("securityContext.seccompProfile", "securityContext.fsGroup", "securityContext.fsGroupChangePolicy"),
    *("securityContext.sysctls", "shareProcessNamespace", "securityContext.runAsUser", "securityContext.runAsGroup"),
    *("securityContext.supplementalGroups", "securityContext.supplementalGroupsPolicy"),
    "securityContext.seLinuxChangePolicy",
)
_CONTAINER_FIELDS = (
    *("appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged"),
    *("allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup"),
)
NOT_ON_WINDOWS = "cannot be set for a windows pod"
NOT_ON_LINUX = "windows options cannot be set for a linux pod"


def validate_os(spec: Object, path: Path) -> ErrorList:
    if spec.get("os") is None:
        return []
    name = spec["os"].get("name", "")
    if not name:
        return [field.required(path.child("os", "name"), "cannot be empty")]
    if name not in NAMES:
        return [field.not_supported(path.child("os"), name, NAMES)]
    return _linux(spec, path) if name == "linux" else _windows(spec, path)


def _linux(spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for context, here in _contexts(spec, path):
        if context.get("windowsOptions") is not None:
            errors.append(field.forbidden(here.child("windowsOptions"), NOT_ON_LINUX))
    return errors


def _windows(spec: Object, path: Path) -> ErrorList:
    (own, _), *others = _contexts(spec, path)
    errors: ErrorList = []
    for name in _POD_FIELDS:
        in_context = name.removeprefix("securityContext.")
        value = own.get(in_context) if in_context != name else spec.get(name)
        if value not in (None, []) and not (value is False and name in ("hostPID", "hostIPC")):
            errors.append(field.forbidden(path.child(name), NOT_ON_WINDOWS))
    for context, here in others:
        wrong = [name for name in _CONTAINER_FIELDS if context.get(name) is not None]
        errors += [field.forbidden(here.child(name), NOT_ON_WINDOWS) for name in wrong]
    return errors


def _contexts(spec: Object, path: Path) -> list[tuple[Object, Path]]:
    """Every security context, the pod's own first."""
    found = [(spec.get("securityContext") or {}, path.child("securityContext"))]
    for part in PARTS:
        for position, container in enumerate(spec.get(part) or ()):
            here = path.child(part).index(position).child("securityContext")
            found.append((container.get("securityContext") or {}, here))
    return found
