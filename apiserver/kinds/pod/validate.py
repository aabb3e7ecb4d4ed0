"""A pod's rules in Kubernetes' order.

Source: kubernetes/pkg/apis/core/validation.ValidatePodSpec, ValidatePodCreate.
"""

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod import dns
from apiserver.kinds.pod.affinity import validate_affinity
from apiserver.kinds.pod.amounts import validate_pod_level, validate_requirements
from apiserver.kinds.pod.annotations import validate_annotations, validate_profiles
from apiserver.kinds.pod.containers import (
    Around,
    validate_containers,
    validate_ephemeral_containers,
    validate_images,
    validate_init_containers,
)
from apiserver.kinds.pod.env import validate_file_volumes
from apiserver.kinds.pod.os import validate_os
from apiserver.kinds.pod.ports import validate_host_network
from apiserver.kinds.pod.scheduling import (
    validate_readiness_gates,
    validate_scheduling_gates,
    validate_spread,
    validate_tolerations,
)
from apiserver.kinds.pod.security import validate_pod_context
from apiserver.kinds.pod.volumes import validate_volumes
from apiserver.kinds.pod.windows import validate_host_process
from podling.api import field
from podling.api.field import ErrorList, Path

RESTART_POLICIES = ("Always", "OnFailure", "Never")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
LONGEST_HOSTNAME = 64
SPEC = Path("spec")


def validate_pod(obj: Object) -> ErrorList:
    spec = obj.get("spec") or {}
    errors = validate_annotations(obj) + validate_spec(spec, SPEC, obj["metadata"].get("name", ""))
    if not spec.get("serviceAccountName"):
        errors += _tokens_without_account(spec)
    for part in ("containers", "initContainers"):
        errors += validate_images(spec.get(part) or (), SPEC.child(part))
    return errors


def validate_create(obj: Object) -> ErrorList:
    """What only a new pod may not have."""
    spec = obj.get("spec") or {}
    errors: ErrorList = []
    if spec.get("ephemeralContainers"):
        errors.append(field.forbidden(SPEC.child("ephemeralContainers"), "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        words = "cannot be set until all schedulingGates have been cleared"
        errors.append(field.forbidden(SPEC.child("nodeName"), words))
    return errors + validate_profiles(obj)


def _tokens_without_account(spec: Object) -> ErrorList:
    errors: ErrorList = []
    for position, volume in enumerate(spec.get("volumes") or ()):
        for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                path = SPEC.child("volumes").index(position).child("projected", "sources").index(number)
                words = "must not be specified when serviceAccountName is not set"
                errors.append(field.forbidden(path.child("serviceAccountToken"), words))
    return errors


def validate_spec(spec: Object, path: Path, pod: str | None = None) -> ErrorList:
    """Of the pod of this name, or of a template of pods."""
    volumes, errors = validate_volumes(spec.get("volumes") or [], path.child("volumes"), pod)
    claims = [each.get("name", "") for each in spec.get("resourceClaims") or ()]
    errors += _claims(spec, path.child("resourceClaims"))
    around = Around(
        volumes=volumes,
        claims=claims,
        grace_seconds=spec.get("terminationGracePeriodSeconds") or 0,
        os_name=(spec.get("os") or {}).get("name", ""),
        host_users=spec.get("hostUsers") is not False,
        restart_policy=spec.get("restartPolicy", ""),
    )
    regular = spec.get("containers") or []
    errors += validate_containers(regular, around, path.child("containers"))
    errors += validate_init_containers(spec.get("initContainers") or [], regular, around, path.child("initContainers"))
    errors += validate_ephemeral_containers(spec, around, path.child("ephemeralContainers"))
    errors += validate_file_volumes(spec, path)
    errors += validate_pod_level(spec, claims, path.child("resources"))
    errors += validate_host_network(spec, path, of_pod=pod is not None)
    errors += _one_of(spec, "restartPolicy", RESTART_POLICIES, path)
    errors += _one_of(spec, "dnsPolicy", dns.POLICIES, path)
    errors += names.labels(spec.get("nodeSelector"), path.child("nodeSelector"))
    errors += validate_pod_context(spec, path.child("securityContext"))
    errors += validate_affinity(spec.get("affinity"), path.child("affinity"))
    errors += dns.validate_config(spec.get("dnsConfig"), spec.get("dnsPolicy", ""), path.child("dnsConfig"))
    errors += validate_readiness_gates(spec.get("readinessGates") or (), path.child("readinessGates"))
    errors += validate_scheduling_gates(spec.get("schedulingGates") or (), path.child("schedulingGates"))
    errors += validate_spread(spec.get("topologySpreadConstraints") or (), path.child("topologySpreadConstraints"))
    errors += validate_host_process(spec, path)
    errors += _host_users(spec, path)
    errors += _hostname(spec, path.child("hostnameOverride"))
    errors += _names(spec, path)
    errors += validate_tolerations(spec.get("tolerations") or (), path.child("tolerations"))
    errors += dns.validate_aliases(spec.get("hostAliases") or (), path.child("hostAliases"))
    for name in ("priorityClassName", "runtimeClassName"):
        if spec.get(name):
            errors += names.each(path.child(name), spec[name], names.subdomain(spec[name]))
    if spec.get("preemptionPolicy") is not None:
        errors += _one_of(spec, "preemptionPolicy", PREEMPTION_POLICIES, path)
    errors += validate_requirements({"limits": spec.get("overhead")}, (), path.child("overhead"))
    return errors + validate_os(spec, path)


def _one_of(spec: Object, name: str, known: tuple[str, ...], path: Path) -> ErrorList:
    value = spec.get(name, "")
    if not value:
        return [field.required(path.child(name))]
    return [] if value in known else [field.not_supported(path.child(name), value, known)]


def _names(spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for name in ("serviceAccountName", "nodeName"):
        if spec.get(name):
            errors += names.each(path.child(name), spec[name], names.subdomain(spec[name]))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        words = "must be between 1 and 2147483647, inclusive"
        errors.append(field.invalid(path.child("activeDeadlineSeconds"), deadline, words))
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            errors += names.each(path.child(name), spec[name], names.label(spec[name]))
    return errors


def _host_users(spec: Object, path: Path) -> ErrorList:
    if spec.get("hostUsers") is not False:
        return []
    spelled = {"hostNetwork": "hostNetwork", "hostPID": "HostPID", "hostIPC": "HostIPC"}
    shared = [shown for name, shown in spelled.items() if spec.get(name)]
    return [field.forbidden(path.child(shown), "when `hostUsers` is false") for shown in shared]


def _hostname(spec: Object, path: Path) -> ErrorList:
    """A pod that is called so has no other say in its name, and the kernel has room for it."""
    name = spec.get("hostnameOverride")
    if name is None:
        return []
    others = [other for other in ("setHostnameAsFQDN", "hostNetwork") if spec.get(other)]
    errors = [field.forbidden(path, f"may not be specified when {other} is true") for other in others]
    if len(name) > LONGEST_HOSTNAME:
        errors.append(field.too_long(path, LONGEST_HOSTNAME))
    return errors + names.each(path, name, names.subdomain(name))


def _claims(spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, claim in enumerate(spec.get("resourceClaims") or ()):
        here, name = path.index(position), claim.get("name", "")
        if not name:
            errors.append(field.required(here.child("name")))
        elif name in seen:
            errors.append(field.duplicate(here.child("name"), name))
        else:
            errors += names.each(here.child("name"), name, names.label(name))
        seen.add(name)
        sources = [each for each in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(each) is not None]
        if len(sources) > 1:
            words = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            shown = {"Name": name, **{f"R{each[1:]}": claim[each] for each in sources}}
            errors.append(field.invalid(here, shown, words))
        elif not sources:
            words = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            shown = {"Name": name, "ResourceClaimName": None, "ResourceClaimTemplateName": None}
            errors.append(field.invalid(here, shown, words))
        for each in sources:
            errors += names.each(here.child(each), claim[each], names.subdomain(claim[each]))
    return errors
