"""What a pod's status tells of its claims, of the users of its containers and of the devices that they were given.

Source: kubernetes/pkg/apis/core/validation.validatePodResourceClaimStatuses, validatePodExtendedResourceClaimStatus,
validateContainerStatusUsers, validateContainerStatusAllocatedResourcesStatus.
"""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.security import ID_RANGE
from apiserver.kinds.workload import STATUS
from podling.api import field
from podling.api.field import ErrorList, Path

HEALTH = ("Healthy", "Unhealthy", "Unknown")
NO_CLAIM = (
    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or "
    "'claim:<claimName>' if request is empty"
)
NO_REQUEST = "must match one of the container's resource requests"
_IN_SPEC = "in spec.initContainers{0} or spec.containers{0}"


def validate_claims(status: Object, spec: Object) -> ErrorList:
    errors: ErrorList = []
    known, seen = {each.get("name") for each in spec.get("resourceClaims") or ()}, set()
    for position, each in enumerate(status.get("resourceClaimStatuses") or ()):
        path, name = STATUS.child("resourceClaimStatuses").index(position).child("name"), each.get("name", "")
        if name not in known:
            errors.append(field.invalid(path, name, "must match the name of an entry in `spec.resourceClaims`"))
        if name in seen:
            errors.append(field.duplicate(path, name))
        seen.add(name)
        if (claim := each.get("resourceClaimName")) is not None:
            errors += names.each(path, claim, names.subdomain(claim))
    extended = status.get("extendedResourceClaimStatus")
    return errors if extended is None else errors + _extended(extended, spec)


def _extended(status: Object, spec: Object) -> ErrorList:
    """Claims that stand for extended resources: which request of the claim is whose."""
    path = STATUS.child("extendedResourceClaimStatus")
    here, mappings = path.child("requestMappings"), status.get("requestMappings") or ()
    errors = [] if mappings else [field.required(here, "at least one request mapping is required")]
    containers = {each.get("name"): each for part in ("initContainers", "containers") for each in spec.get(part) or ()}
    seen: set[tuple[str, ...]] = set()
    for position, each in enumerate(mappings):
        parts = {name: each.get(name, "") for name in ("containerName", "resourceName", "requestName")}
        container, at = containers.get(parts["containerName"]), here.index(position)
        if container is None:
            words = f"must match the name of an entry {_IN_SPEC.format('.name')}"
            errors.append(field.invalid(at.child("containerName"), parts["containerName"], words))
        elif parts["resourceName"] not in ((container.get("resources") or {}).get("requests") or {}):
            words = f"must match the extended resource name of an entry {_IN_SPEC.format('.resources.requests')}"
            errors.append(field.invalid(at.child("resourceName"), parts["resourceName"], words))
        errors += names.each(path.child("requestName"), parts["requestName"], names.label(parts["requestName"]))
        if (key := tuple(parts.values())) in seen:
            errors += [field.duplicate(at.child(name), value) for name, value in parts.items()]
        seen.add(key)
    name, here = status.get("resourceClaimName", ""), path.child("resourceClaimName")
    return errors + (names.each(here, name, names.subdomain(name)) if name else [field.required(here)])


def validate_users(statuses: Sequence[Object], spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, each in enumerate(statuses):
        linux, here = (each.get("user") or {}).get("linux"), path.index(position).child("linux")
        if linux is None:
            continue
        if (spec.get("os") or {}).get("name") == "windows":
            errors.append(field.forbidden(here, "cannot be set for a windows pod"))
            continue
        ids = [(here.child(name), linux.get(name, 0)) for name in ("uid", "gid")]
        groups = here.child("supplementalGroups")
        ids += [(groups.index(number), group) for number, group in enumerate(linux.get("supplementalGroups") or ())]
        errors += [field.invalid(at, value, ID_RANGE) for at, value in ids if not 0 <= value < 2**31]
    return errors


def validate_allocated(statuses: Sequence[Object], containers: Sequence[Object], path: Path) -> ErrorList:
    """Ephemeral containers are given nothing."""
    errors: ErrorList = []
    specs = {each.get("name"): each.get("resources") or {} for each in containers}
    for position, status in enumerate(statuses):
        here = path.index(position).child("allocatedResourcesStatus")
        found = status.get("allocatedResourcesStatus") or ()
        if found and path.text.endswith("ephemeralContainerStatuses"):
            errors.append(field.forbidden(here, "must not be specified in container status"))
            continue
        for number, each in enumerate(found):
            if status.get("name") in specs:
                errors += _asked_for(each.get("name", ""), specs[status["name"]], here.index(number).child("name"))
            errors += _devices(each.get("resources") or (), here.index(number).child("resources"))
    return errors


def _asked_for(name: str, resources: Object, path: Path) -> ErrorList:
    if name.startswith("claim:"):
        claims = [(each.get("name", ""), each.get("request", "")) for each in resources.get("claims") or ()]
        known = {f"claim:{claim}/{request}" if request else f"claim:{claim}" for claim, request in claims}
        return [] if name in known else [field.invalid(path, name, NO_CLAIM)]
    return [] if name in (resources.get("requests") or {}) else [field.invalid(path, name, NO_REQUEST)]


def _devices(devices: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(devices):
        here, health, device = path.index(position), each.get("health", ""), each.get("resourceID", "")
        if health not in HEALTH:
            errors.append(field.not_supported(here.child("health"), health, HEALTH))
        if device in seen:
            errors.append(field.duplicate(here.child("resourceID"), device))
        seen.add(device)
    return errors
