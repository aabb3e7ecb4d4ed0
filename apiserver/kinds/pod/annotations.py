"""Annotations that say something of a pod's containers.

Source: kubernetes/pkg/apis/core/validation.ValidatePodSpecificAnnotations.
"""

import re

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.paths import descending
from podling.api import field
from podling.api.field import ErrorList, Path

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
SECCOMP_POD, SECCOMP_CONTAINER = (
    "seccomp.security.alpha.kubernetes.io/pod",
    "container.seccomp.security.alpha.kubernetes.io/",
)
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
PATH, SPEC = Path("metadata.annotations"), Path("spec")
PARTS = ("initContainers", "containers", "ephemeralContainers")
DEFAULTS = ("runtime/default", "docker/default")  # the second of seccomp alone
_COST = re.compile(r"0|-?[1-9][0-9]*")


def validate_annotations(obj: Object, path: Path = PATH) -> ErrorList:
    found, spec = obj["metadata"].get("annotations") or {}, obj.get("spec") or {}
    errors: ErrorList = []
    if MIRROR in found and not spec.get("nodeName"):
        words = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(field.invalid(path.key(MIRROR), found[MIRROR], words))
    cost = found.get(DELETION_COST)
    if cost is not None and not (_COST.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        errors.append(field.invalid(path.key(DELETION_COST), cost, "must be a 32bit integer"))
    for key, value in sorted(found.items()):
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            errors += _seccomp(value, path.child(key))
    for key, value in sorted(found.items()):
        if key.startswith(APP_ARMOR):
            errors += _app_armor(key, value, spec, path)
    return errors


def validate_annotations_update(new: Object, old: Object) -> ErrorList:
    """What names a mirror pod or a profile never changes; then all of them once more."""
    now, was = (each["metadata"].get("annotations") or {} for each in (new, old))
    errors: ErrorList = []
    for key in [*sorted(was), *sorted(set(now) - set(was))]:
        noun = "AppArmor annotations" if key.startswith(APP_ARMOR) else "mirror pod annotation" if key == MIRROR else ""
        if noun and now.get(key) != was.get(key):
            errors.append(
                field.forbidden(PATH.key(key), f"may not {'remove or update' if key in was else 'add'} {noun}")
            )
    return errors + validate_annotations(new)


def _seccomp(value: str, path: Path) -> ErrorList:
    if value in (*DEFAULTS, "unconfined"):
        return []
    if value.startswith("localhost/"):
        return descending(value.removeprefix("localhost/"), path)
    return [field.invalid(path, value, "must be a valid seccomp profile")]


def _app_armor(key: str, value: str, spec: Object, path: Path) -> ErrorList:
    name = key.removeprefix(APP_ARMOR)
    known = {each.get("name") for part in PARTS for each in spec.get(part) or ()}
    errors = [] if name in known else [field.invalid(path.key(key), name, "container not found")]
    if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
        errors.append(field.invalid(path.key(key), value, f'invalid AppArmor profile name: "{value}"'))
    return errors


def validate_profiles(obj: Object) -> ErrorList:
    """A new pod's annotations and fields say the same: of AppArmor the pod's field too, of seccomp the container's."""
    found, spec = obj["metadata"].get("annotations") or {}, obj.get("spec") or {}
    of_pod = spec.get("securityContext") or {}
    path = SPEC.child("securityContext", "seccompProfile")
    errors = _same(of_pod.get("seccompProfile"), found.get(SECCOMP_POD), "seccomp", path)
    containers = [
        (container, SPEC.child(part).index(position).child("securityContext"))
        for part in PARTS
        for position, container in enumerate(spec.get(part) or ())
    ]
    for container, path in containers:
        profile = (container.get("securityContext") or {}).get("seccompProfile")
        said = found.get(f"{SECCOMP_CONTAINER}{container.get('name', '')}")
        errors += _same(profile, said, "seccomp", path.child("seccompProfile"))
    if (spec.get("os") or {}).get("name") == "windows":
        return errors
    for container, path in containers:
        profile = (container.get("securityContext") or {}).get("appArmorProfile") or of_pod.get("appArmorProfile")
        said = found.get(f"{APP_ARMOR}{container.get('name', '')}")
        errors += _same(profile, said, "apparmor", path.child("appArmorProfile"))
    return errors


def _same(profile: Object | None, said: str | None, noun: str, path: Path) -> ErrorList:
    if profile is None or said is None:
        return []
    local = said.startswith("localhost/")
    defaults = DEFAULTS if noun == "seccomp" else DEFAULTS[:1]
    means = {"Unconfined": said == "unconfined", "RuntimeDefault": said in defaults, "Localhost": local}
    if not means.get(profile.get("type", ""), True):
        return [field.forbidden(path.child("type"), f"{noun} type in annotation and field must match")]
    if profile.get("type") == "Localhost" and said.removeprefix("localhost/") != profile.get("localhostProfile"):
        words = f"{noun} profile in annotation and field must match"
        return [field.forbidden(path.child("localhostProfile"), words)]
    return []
