"""Containers, init containers and ephemeral containers.

Source: kubernetes/pkg/apis/core/validation.validateContainers.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.amounts import validate_requirements
from apiserver.kinds.pod.env import validate_env, validate_env_from
from apiserver.kinds.pod.mounts import validate_devices, validate_mounts
from apiserver.kinds.pod.ports import host_port_conflicts, validate_ports
from apiserver.kinds.pod.probes import validate_lifecycle, validate_probe
from apiserver.kinds.pod.security import validate_container_context
from apiserver.kinds.pod.volumes import validate_pull_policy
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.pod_resources import is_sidecar

MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
RESTART_POLICIES = ("Always", "Never", "OnFailure")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
NOT_FOR_INIT = "may not be set for init containers without restartPolicy=Always"
MOST_RULES, MOST_CODES = 20, 255


class Around(NamedTuple):
    """What of a pod its containers' rules depend on."""

    volumes: Mapping[str, Object]
    claims: Collection[str]
    grace_seconds: int
    os_name: str
    host_users: bool
    restart_policy: str


def validate_containers(containers: Sequence[Object], around: Around, path: Path) -> ErrorList:
    if not containers:
        return [field.required(path)]
    errors: ErrorList = []
    seen: set[str] = set()
    for position, container in enumerate(containers):
        here, name = path.index(position), container.get("name", "")
        errors += _common(container, around, here)
        if name in seen:
            errors.append(field.duplicate(here.child("name"), name))
        seen.add(name)
        errors += _hooks(container, around, here)
        errors += _restart_policy(container, here)
    return errors + host_port_conflicts(containers, path)


def validate_init_containers(
    containers: Sequence[Object], regular: Sequence[Object], around: Around, path: Path
) -> ErrorList:
    errors: ErrorList = []
    seen = {container.get("name", "") for container in regular}
    for position, container in enumerate(containers):
        here, name = path.index(position), container.get("name", "")
        errors += _common(container, around, here)
        errors += _restart_policy(container, here)
        if name in seen:
            errors.append(field.duplicate(here.child("name"), name))
        elif name:
            seen.add(name)
        errors += host_port_conflicts([container], path)
        if is_sidecar(container):
            errors += _hooks(container, around, here)
            continue
        for each in ("lifecycle", *PROBES):
            if container.get(each) is not None:
                errors.append(field.forbidden(here.child(each), NOT_FOR_INIT))
    return errors


_NOT_EPHEMERAL = (
    *("ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules"),
    *("livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
)
_POINTERS = ("restartPolicy", *PROBES, "lifecycle")  # set, even if nothing is in them


def validate_ephemeral_containers(spec: Object, around: Around, path: Path) -> ErrorList:
    errors: ErrorList = []
    others = {each.get("name", "") for part in ("containers", "initContainers") for each in spec.get(part) or ()}
    targets = set(others)
    for position, container in enumerate(spec.get("ephemeralContainers") or ()):
        here, name = path.index(position), container.get("name", "")
        errors += _common(container, around, here) + validate_image(container, here)
        if name in others:
            errors.append(field.duplicate(here.child("name"), name))
        others.add(name)
        target = container.get("targetContainerName")
        if target and target not in targets:
            errors.append(field.not_found(here.child("targetContainerName"), target))
        for each in _NOT_EPHEMERAL:
            if container.get(each) not in (None, [], {}) or (each in _POINTERS and container.get(each) is not None):
                errors.append(field.forbidden(here.child(each), "cannot be set for an Ephemeral Container"))
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for each in ("subPath", "subPathExpr"):
                if mount.get(each):
                    inner = here.child("volumeMounts").index(number).child(each)
                    errors.append(field.forbidden(inner, "cannot be set for an Ephemeral Container"))
    return errors


def _common(container: Object, around: Around, path: Path) -> ErrorList:
    """What holds for every sort of container."""
    name = container.get("name", "")
    errors = names.each(path.child("name"), name, names.label(name)) if name else [field.required(path.child("name"))]
    if not container.get("image"):
        errors.append(field.required(path.child("image")))
    policy = container.get("terminationMessagePolicy", "")
    if not policy:
        errors.append(field.required(path.child("terminationMessagePolicy")))
    elif policy not in MESSAGE_POLICIES:
        errors.append(field.not_supported(path.child("terminationMessagePolicy"), policy, MESSAGE_POLICIES))
    errors += validate_ports(container.get("ports") or [], path.child("ports"))
    errors += validate_env(container.get("env") or [], path.child("env"))
    errors += validate_env_from(container.get("envFrom") or [], path.child("envFrom"))
    errors += validate_mounts(container, around.volumes, path.child("volumeMounts"))
    errors += validate_devices(container, around.volumes, path.child("volumeDevices"))
    errors += validate_pull_policy(container.get("imagePullPolicy", ""), path.child("imagePullPolicy"))
    errors += validate_requirements(container.get("resources") or {}, around.claims, path.child("resources"))
    errors += _resize_policy(container, around, path.child("resizePolicy"))
    context = container.get("securityContext")
    return errors + validate_container_context(context, path.child("securityContext"), host_users=around.host_users)


def _hooks(container: Object, around: Around, path: Path) -> ErrorList:
    errors: ErrorList = []
    if container.get("lifecycle") is not None:
        here = path.child("lifecycle")
        errors += validate_lifecycle(container["lifecycle"], here, around.grace_seconds, around.os_name)
    for name in PROBES:
        once = name != "readinessProbe"
        errors += validate_probe(container.get(name), path.child(name), around.grace_seconds, once=once)
    return errors


def _resize_policy(container: Object, around: Around, path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(container.get("resizePolicy") or ()):
        name, policy = each.get("resourceName", ""), each.get("restartPolicy", "")
        if name in seen:
            errors.append(field.duplicate(path.index(position), name))
        seen.add(name)
        if not name:
            errors.append(field.required(path))
        elif name not in ("cpu", "memory"):
            errors.append(field.not_supported(path, name, ("cpu", "memory")))
        if not policy:
            errors.append(field.required(path))
        elif policy not in ("NotRequired", "RestartContainer"):
            errors.append(field.not_supported(path, policy, ("NotRequired", "RestartContainer")))
        if around.restart_policy == "Never" and policy != "NotRequired":
            errors.append(field.invalid(path, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    return errors


def _restart_policy(container: Object, path: Path) -> ErrorList:
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    here = path.child("restartPolicy")
    if policy is None:
        words = "must specify restartPolicy when restart rules are used"
        return [field.required(here, words)] if rules else []
    errors = [] if policy in RESTART_POLICIES else [field.not_supported(here, policy, RESTART_POLICIES)]
    here = path.child("restartPolicyRules")
    if len(rules) > MOST_RULES:
        errors.append(field.too_many(here, len(rules), MOST_RULES))
    for position, rule in enumerate(rules):
        inner = here.index(position)
        action, codes = rule.get("action", ""), rule.get("exitCodes")
        if action not in ("Restart", "RestartAllContainers"):
            errors.append(field.not_supported(inner.child("action"), action, ("Restart", "RestartAllContainers")))
        if codes is None:
            errors.append(field.required(inner.child("exitCodes"), "must be specified"))
            continue
        operator, values, within = codes.get("operator", ""), codes.get("values") or (), inner.child("exitCodes")
        if operator not in ("In", "NotIn"):
            errors.append(field.not_supported(within.child("operator"), operator, ("In", "NotIn")))
        if len(values) > MOST_CODES:
            errors.append(field.too_many(within.child("values"), len(values), MOST_CODES))
    return errors


def validate_images(containers: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, container in enumerate(containers):
        errors += validate_image(container, path.index(position))
    return errors


def validate_image(container: Object, path: Path) -> ErrorList:
    """Pods, unlike templates, may not have blanks around an image."""
    image = container.get("image", "")
    words = "must not have leading or trailing whitespace"
    return [] if image == image.strip() else [field.invalid(path.child("image"), image, words)]
