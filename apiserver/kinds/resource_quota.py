"""ResourceQuota. Source: kubernetes/pkg/apis/core/validation.ValidateResourceQuota."""

from collections.abc import Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.amounts import STANDARD, is_extended
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import WHOLE, parse
from podling.api.quota import POD_SCOPES

QUOTA = "core.v1.ResourceQuota"
WHOLE_NUMBERS = (
    *("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"),
    *("persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
)
COMPUTED = ("cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
SCOPES = (*POD_SCOPES, "VolumeAttributesClass")
CONFLICTS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
HARD = SPEC.child("hard")
MUST_EXIST = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    return _amounts(spec.get("hard") or {}, HARD) + _scopes(spec) + _selector(spec)


def _amounts(found: dict[str, str], path: Path) -> ErrorList:
    errors: ErrorList = []
    for name, text in sorted(found.items()):
        here, amount = path.key(name), parse(text)
        errors += _name(name, here)
        errors += validate_not_negative(str(amount), here)
        if amount.nanos % WHOLE and (name in WHOLE_NUMBERS or is_extended(name)):
            errors.append(field.invalid(here, str(amount), "must be an integer"))
    return errors


def _name(name: str, path: Path) -> ErrorList:
    errors = names.each(path, name, names.qualified(name))
    if errors or "/" in name or name.startswith(("hugepages-", "requests.hugepages-", "limits.hugepages-")):
        return errors
    if name not in STANDARD:
        errors.append(field.invalid(path, name, "must be a standard resource type or fully qualified"))
    if name not in STANDARD or name == "storage":
        errors.append(field.invalid(path, name, "must be a standard resource for quota"))
    return errors


def _scopes(spec: Object) -> ErrorList:
    scopes, path = spec.get("scopes") or [], SPEC.child("scopes")
    errors: ErrorList = []
    for scope in scopes:
        if scope not in SCOPES:
            errors.append(field.invalid(path, scopes, "unsupported scope"))
        wrong = _unfit(scope, spec)
        errors += [field.invalid(path, scopes, "unsupported scope applied to resource") for _ in wrong]
    conflicts = [pair for pair in CONFLICTS if set(pair) <= set(scopes)]
    return errors + [field.invalid(path, scopes, "conflicting scopes") for _ in conflicts]


def _unfit(scope: str, spec: Object) -> Sequence[str]:
    """What is limited and cannot be limited in this scope."""
    fit = {"BestEffort": ("pods",), "VolumeAttributesClass": ("persistentvolumeclaims", "requests.storage")}
    allowed = fit.get(scope, ("pods", *COMPUTED)) if scope in SCOPES else STANDARD
    return [name for name in sorted(spec.get("hard") or ()) if name in STANDARD and name not in allowed]


def _selector(spec: Object) -> ErrorList:
    """Which of the expressions is wrong Kubernetes does not say."""
    path, every = SPEC.child("scopeSelector", "matchExpressions"), spec.get("scopeSelector") or {}
    errors: ErrorList = []
    for each in every.get("matchExpressions") or ():
        scope, operator, values = each.get("scopeName", ""), each.get("operator", ""), each.get("values") or []
        if scope not in SCOPES:
            errors.append(field.invalid(path.child("scopeName"), scope, "unsupported scope"))
        shown = internal(every, "core.v1.ScopeSelector")
        errors += [field.invalid(path, shown, "unsupported scope applied to resource") for _ in _unfit(scope, spec)]
        if scope in POD_SCOPES and scope != "PriorityClass" and operator != "Exists":
            errors.append(field.invalid(path.child("operator"), operator, MUST_EXIST))
        if operator in ("In", "NotIn"):
            if not values:
                words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(field.required(path.child("values"), words))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.append(field.invalid(path.child("values"), values, words))
        else:
            errors.append(field.invalid(path.child("operator"), operator, "not a valid selector operator"))
    scopes = {each.get("scopeName") for each in every.get("matchExpressions") or ()}
    conflicts = [pair for pair in CONFLICTS if set(pair) <= scopes]
    return errors + [field.invalid(path, spec.get("scopes"), "conflicting scopes") for _ in conflicts]


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new).get("scopes") or [], spec_of(old).get("scopes") or []
    return [] if set(now) == set(was) else [field.invalid(SPEC.child("scopes"), now, "field is immutable")]


def validate_status(new: Object, _old: Object) -> ErrorList:
    found = status_of(new)
    return [error for part in ("hard", "used") for error in _amounts(found.get(part) or {}, STATUS.child(part))]


def _shown(obj: Object, limits: bool) -> str:
    """`pods: 1/4, requests.cpu: 500m/1`"""
    hard, used = status_of(obj).get("hard") or {}, status_of(obj).get("used") or {}
    return ", ".join(
        f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard) if name.startswith("limits") == limits
    )


RESOURCE_QUOTA = Kind(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    short_names=("quota",),
    schema=schema(QUOTA),
    prepare_create=drop_status(QUOTA),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    returns_deleted=True,
    subresources=(status(validate_status),),
    columns=(
        columns.NAME,
        Column(
            "Request",
            "string",
            "Request represents a minimum amount of cpu/memory that a container may consume.",
            lambda obj: _shown(obj, limits=False),
        ),
        Column(
            "Limit",
            "string",
            "Limits control the maximum amount of cpu/memory that a container may use independent of contention on "
            "the node.",
            lambda obj: _shown(obj, limits=True),
        ),
        columns.AGE,
    ),
)
