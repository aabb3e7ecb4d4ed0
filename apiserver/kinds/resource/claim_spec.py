"""What a claim asks for: devices by request, what must be the same among them, and their configuration. Pure.

Source: kubernetes/pkg/apis/resource/{v1/defaults.go,validation} (validateDeviceClaim).
"""

from collections.abc import Iterator

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.resource import identifiers
from apiserver.kinds.resource.lists import validate_list, validate_set
from apiserver.kinds.resource.selectors import MOST_CONFIGS, validate_config, validate_selectors
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_REQUESTS, MOST_CONSTRAINTS, MOST_ALTERNATIVES, MOST_TOLERATIONS = 32, 32, 8, 16
MODES, EFFECTS, OPERATORS = ("All", "ExactCount"), ("NoExecute", "NoSchedule", "None"), ("Equal", "Exists")
ONE_OF = "exactly one of `exactly` or `firstAvailable` is required"
NO_SUCH = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def default_claim(spec: Object) -> None:
    for each in _asked(spec):
        each["allocationMode"] = each.get("allocationMode") or "ExactCount"
        if each["allocationMode"] == "ExactCount":
            each["count"] = each.get("count") or 1
        for toleration in each.get("tolerations") or ():
            toleration["operator"] = toleration.get("operator") or "Equal"


def _asked(spec: Object) -> Iterator[Object]:
    for request in (spec.get("devices") or {}).get("requests") or ():
        if request.get("exactly") is not None:
            yield request["exactly"]
        yield from request.get("firstAvailable") or ()


def request_names(spec: Object) -> set[str]:
    """`gpu`, and where there are alternatives `gpu/large` too."""
    found: set[str] = set()
    for request in (spec.get("devices") or {}).get("requests") or ():
        name = request.get("name", "")
        found |= {name, *(f"{name}/{each.get('name', '')}" for each in request.get("firstAvailable") or ())}
    return found


def validate_claim_spec(spec: Object, path: Path) -> ErrorList:
    devices, path = spec.get("devices") or {}, path.child("devices")
    known = request_names(spec)

    def constraint(found: Object, here: Path) -> ErrorList:
        return _constraint(found, here, known)

    def config(found: Object, here: Path) -> ErrorList:
        return validate_references(found, here, known) + validate_config(found, here)

    errors = validate_set(devices.get("requests"), MOST_REQUESTS, _request, path.child("requests"), _name)
    errors += validate_list(devices.get("constraints"), MOST_CONSTRAINTS, constraint, path.child("constraints"))
    return errors + validate_list(devices.get("config"), MOST_CONFIGS, config, path.child("config"))


def _name(request: Object) -> str:
    return str(request.get("name", ""))


def _request(request: Object, path: Path) -> ErrorList:
    errors = identifiers.label(_name(request), path.child("name"))
    exactly, first = request.get("exactly"), request.get("firstAvailable")
    if exactly is None and not first:
        return [*errors, field.required(path, ONE_OF)]
    if exactly is not None and first:
        return [*errors, field.invalid(path, None, f"{ONE_OF}, but multiple fields are set")]
    if exactly is not None:
        return errors + _exactly(exactly, path.child("exactly"))
    return errors + validate_set(first, MOST_ALTERNATIVES, _alternative, path.child("firstAvailable"), _name)


def _alternative(request: Object, path: Path) -> ErrorList:
    return identifiers.label(_name(request), path.child("name")) + _exactly(request, path)


def _exactly(request: Object, path: Path) -> ErrorList:
    name, here = request.get("deviceClassName", ""), path.child("deviceClassName")
    errors = names.each(here, name, names.subdomain(name)) if name else [field.required(here)]
    errors += validate_selectors(request.get("selectors"), path.child("selectors"))
    mode, count = request.get("allocationMode", ""), request.get("count", 0)
    if mode not in MODES:
        errors.append(field.not_supported(path.child("allocationMode"), mode, MODES))
    elif mode == "All" and count:
        words = "must not be specified when allocationMode is 'All'"
        errors.append(field.invalid(path.child("count"), count, words))
    elif mode == "ExactCount" and count <= 0:
        errors.append(field.invalid(path.child("count"), count, "must be greater than zero"))
    return errors + validate_tolerations(request.get("tolerations"), path.child("tolerations"))


def validate_tolerations(found: list[Object] | None, path: Path) -> ErrorList:
    return validate_list(found, MOST_TOLERATIONS, _toleration, path)


def _toleration(toleration: Object, path: Path) -> ErrorList:
    key, operator, value, effect = (toleration.get(name) or "" for name in ("key", "operator", "value", "effect"))
    errors = identifiers.label_key(key, path.child("key")) if key else []
    if operator == "Exists":
        if value:
            errors.append(field.invalid(path.child("value"), value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        errors += names.each(path.child("value"), value, names.label_value(value))
    else:
        errors.append(field.not_supported(path.child("operator"), operator, OPERATORS))
    if effect and effect not in EFFECTS:
        errors.append(field.not_supported(path.child("effect"), effect, EFFECTS))
    return errors


def _constraint(constraint: Object, path: Path, known: set[str]) -> ErrorList:
    errors = validate_references(constraint, path, known)
    for name in ("matchAttribute", "distinctAttribute"):
        if constraint.get(name) is not None:
            return errors + identifiers.fully_qualified(constraint[name], path.child(name))
    words = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    return [*errors, field.required(path, words)]


def validate_references(found: Object, path: Path, known: set[str]) -> ErrorList:
    """Which requests something is about: those of the claim."""

    def check(name: str, here: Path) -> ErrorList:
        return validate_reference(name, here, known)

    return validate_set(found.get("requests"), MOST_REQUESTS, check, path.child("requests"))


def validate_reference(name: str, path: Path, known: set[str]) -> ErrorList:
    parts = name.split("/")
    if len(parts) > 2:
        return [field.invalid(path, name, NO_SUCH)]
    errors = [error for part in parts for error in identifiers.label(part, path)]
    return errors if name in known else [*errors, field.invalid(path, name, NO_SUCH)]
