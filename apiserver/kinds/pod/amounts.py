"""What containers and pods may ask for. Source: kubernetes/pkg/apis/core/validation.validateResourceRequirements."""

from collections.abc import Callable, Collection, Mapping

from apiserver.kinds import names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path
from podling.api.pod_resources import aggregate, amounts, is_huge, is_pod_level
from podling.api.quantity import WHOLE, Quantity, QuantityError, parse

POD_LEVEL = ("cpu", "hugepages-", "memory")
STANDARD = (
    *("cpu", "memory", "ephemeral-storage", "storage", "pods", "services", "replicationcontrollers", "resourcequotas"),
    *("secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
    *("requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage"),
    *("limits.cpu", "limits.memory", "limits.ephemeral-storage"),
)
_CONTAINER = ("cpu", "memory", "ephemeral-storage")


def is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """`example.com/gpu`: whole numbers, never overcommitted."""
    return not is_native(name) and not name.startswith("requests.") and not names.qualified(f"requests.{name}")


def overcommits(name: str) -> bool:
    return is_native(name) and not is_huge(name)


def container_resource_name(name: str, path: Path) -> ErrorList:
    errors = names.each(path, name, names.qualified(name))
    if "/" in name:
        if not is_native(name) and not is_extended(name):
            errors.append(field.invalid(path, name, "doesn't follow extended resource name standard"))
        return errors
    if not errors and name not in STANDARD and not is_huge(name):
        errors.append(field.invalid(path, name, "must be a standard resource type or fully qualified"))
    if name not in _CONTAINER and not is_huge(name):
        errors.append(field.invalid(path, name, "must be a standard resource for containers"))
    return errors


def _pod_resource_name(name: str, path: Path) -> ErrorList:
    return [] if is_pod_level(name) else [field.not_supported(path, name, POD_LEVEL)]


def validate_amount(name: str, amount: Quantity, path: Path) -> ErrorList:
    errors = validate_not_negative(str(amount), path)
    if is_extended(name) and amount.nanos % WHOLE:
        errors.append(field.invalid(path, str(amount), "must be an integer"))
    return errors


def _huge(name: str, amount: Quantity, path: Path) -> ErrorList:
    if not is_huge(name):
        return []
    try:
        size = parse(name.removeprefix("hugepages-")).nanos
    except QuantityError:
        size = 0
    if size > 0 and amount.nanos % size == 0:
        return []
    return [field.invalid(path, str(amount), f"{amount} is not positive integer multiple of {name}")]


def validate_requirements(
    requirements: Mapping[str, object],
    claims: Collection[str],
    path: Path,
    check_name: Callable[[str, Path], ErrorList] = container_resource_name,
) -> ErrorList:
    limits, requests = _amounts(requirements, "limits"), _amounts(requirements, "requests")
    errors: ErrorList = []
    for name, amount in sorted(limits.items()):
        here = path.child("limits").key(name)
        errors += check_name(name, here) + validate_amount(name, amount, here) + _huge(name, amount, here)
    for name, amount in sorted(requests.items()):
        here = path.child("requests").key(name)
        errors += check_name(name, here) + validate_amount(name, amount, here)
        errors += _within(name, amount, limits.get(name), path) + _huge(name, amount, here)
    asked = {*limits, *requests}
    if any(map(is_huge, asked)) and not asked & {"cpu", "memory"}:
        errors.append(field.forbidden(path, "HugePages require cpu or memory"))
    return errors + _claims(requirements.get("claims"), claims, path.child("claims"))


def _amounts(requirements: Mapping[str, object], part: str) -> dict[str, Quantity]:
    found = requirements.get(part)
    return amounts(found) if isinstance(found, Mapping) else {}


def _within(name: str, amount: Quantity, limit: Quantity | None, path: Path) -> ErrorList:
    if limit is None:
        if overcommits(name):
            return []
        return [field.required(path.child("limits"), "Limit must be set for non overcommitable resources")]
    if amount.nanos != limit.nanos and not overcommits(name):
        words = f"must be equal to {name} limit of {limit}"
    elif amount.nanos > limit.nanos:
        words = f"must be less than or equal to {name} limit of {limit}"
    else:
        return []
    return [field.invalid(path.child("requests"), str(amount), words)]


def _claims(found: object, known: Collection[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, claim in enumerate(found if isinstance(found, list) else ()):
        here, name = path.index(position), claim.get("name", "")
        if not name:
            errors.append(field.required(here))
            continue
        errors += _requested_before(name, claim.get("request", ""), seen, here)
        if name not in known:
            words = "must be one of the names in pod.spec.resourceClaims"
            words += f": {', '.join(sorted(known))}" if known else " which is empty"
            errors.append(FieldError("FieldValueNotFound", str(here), f"{field.not_found(here, name).text}: {words}"))
    return errors


def _requested_before(name: str, request: str, seen: set[str], path: Path) -> ErrorList:
    """A claim as a whole, or one request of it: neither twice, nor both. Adds it to those `seen`."""
    if name in seen:
        return [field.duplicate(path, name)]
    key = f"{name}/{request}" if request else name
    errors = names.each(path.child("request"), request, names.label(request)) if request else []
    if key in seen:
        errors.append(field.duplicate(path, key))
    elif not request:
        errors += [field.duplicate(path, name) for each in seen if each.partition("/")[0] == name]
    seen.add(key)
    return errors


def validate_pod_level(spec: Object, claims: Collection[str], path: Path) -> ErrorList:
    """What the pod as a whole asks for, against what its containers ask for."""
    resources = spec.get("resources")
    if resources is None:
        return []
    if (spec.get("os") or {}).get("name") == "windows":
        return [field.forbidden(path, "may not be set for a windows pod")]
    errors: ErrorList = []
    if resources.get("claims") is not None:
        words = "claims may not be set for Resources at pod-level"
        errors.append(field.forbidden(path.child("claims"), words))
    errors += validate_requirements(resources, claims, path, _pod_resource_name)
    requests, limits = _amounts(resources, "requests"), _amounts(resources, "limits")
    for name, amount in sorted(aggregate(spec, "requests").items()):
        if name in requests and amount.nanos > requests[name].nanos and is_pod_level(name):
            words = f"must be greater than or equal to aggregate container requests of {amount}"
            errors.append(field.invalid(path.child("requests").key(name), str(requests[name]), words))
    for name, amount in sorted(aggregate(spec, "limits").items()):
        if is_huge(name) and name in limits and amount.nanos > limits[name].nanos:
            words = f"must be greater than or equal to aggregate container limits of {amount}"
            errors.append(field.invalid(path.child("limits").key(name), str(limits[name]), words))
    for position, container in enumerate(spec.get("containers") or ()):
        own = _amounts(container.get("resources") or {}, "limits")
        for name, amount in sorted(own.items()):
            if name in limits and amount.nanos > limits[name].nanos:
                here = path.child("containers").index(position).key(name).child("limits")
                words = f"must be less than or equal to pod limits of {limits[name]}"
                errors.append(field.invalid(here, str(amount), words))
    return errors
