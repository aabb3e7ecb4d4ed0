"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration: one kind but for their names and reinvocation.

What was valid when it was written stays valid: an update is not held to rules that the old object breaks already.
Source: kubernetes/pkg/apis/admissionregistration/{v1/defaults.go,validation}.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from apiserver.kinds import columns, names
from apiserver.kinds.admissionregistration import matchconditions, rules
from apiserver.kinds.admissionregistration.expressions import wrong_condition
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.schema.load import schema
from apiserver.webhook import clientconfig
from podling.api import field
from podling.api.field import ErrorList, Path

WEBHOOKS = Path("webhooks")
POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
REINVOCATIONS = ("IfNeeded", "Never")
SIDE_EFFECTS = ("None", "NoneOnDryRun", "Some", "Unknown")
NO_SIDE_EFFECTS = SIDE_EFFECTS[:2]
REVIEW_VERSIONS = ("v1", "v1beta1")
DEFAULTS: Mapping[str, Any] = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10}
SHORTEST_SECONDS, LONGEST_SECONDS = 1, 30


def default(obj: Object) -> None:
    for hook in obj.get("webhooks") or ():
        for name, value in DEFAULTS.items():
            if hook.get(name) is None:
                hook[name] = value
        for name in ("namespaceSelector", "objectSelector"):
            hook[name] = hook.get(name) or {}
        for rule in hook.get("rules") or ():
            rules.default(rule)
        service = (hook.get("clientConfig") or {}).get("service")
        if service is not None and service.get("port") is None:
            service["port"] = 443


def default_mutating(obj: Object) -> None:
    default(obj)
    for hook in obj.get("webhooks") or ():
        if hook.get("reinvocationPolicy") is None:
            hook["reinvocationPolicy"] = "Never"


class Rules(NamedTuple):
    """What is demanded, of a new object all of it."""

    side_effects: Sequence[str] = NO_SIDE_EFFECTS
    known_version: bool = True
    unique_names: bool = True
    valid_selectors: bool = True
    conditions: bool = True


def validate_create(obj: Object) -> ErrorList:
    return _validate(obj, Rules())


def validate_update(new: Object, old: Object) -> ErrorList:
    hooks = old.get("webhooks") or []
    named = [hook.get("name") for hook in hooks]
    held = Rules(
        side_effects=NO_SIDE_EFFECTS if all(_pure(hook) for hook in hooks) else SIDE_EFFECTS,
        known_version=all(_speaks(hook) for hook in hooks),
        unique_names=len(set(named)) == len(named),
        valid_selectors=not any(_selectors(hook, WEBHOOKS) for hook in hooks),
        conditions=_conditions(new) != _conditions(old),
    )
    return _validate(new, held)


def _pure(hook: Object) -> bool:
    return hook.get("sideEffects") in NO_SIDE_EFFECTS


def _speaks(hook: Object) -> bool:
    versions = hook.get("admissionReviewVersions") or ()
    return not versions or any(each in REVIEW_VERSIONS for each in versions)


def _conditions(obj: Object) -> list[Any]:
    return [hook.get("matchConditions") or [] for hook in obj.get("webhooks") or ()]


def _validate(obj: Object, held: Rules) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, hook in enumerate(obj.get("webhooks") or ()):
        path, name = WEBHOOKS.index(position), hook.get("name", "")
        errors += _hook(hook, held, path) + _versions(hook, held, path.child("admissionReviewVersions"))
        if held.unique_names and name:
            if name in seen:
                errors.append(field.duplicate(path.child("name"), name))
            seen.add(name)
    return errors


def _hook(hook: Object, held: Rules, path: Path) -> ErrorList:
    errors = names.fully_qualified(hook.get("name", ""), path.child("name"))
    for position, rule in enumerate(hook.get("rules") or ()):
        errors += rules.validate(rule, path.child("rules").index(position))
    errors += _one_of(hook, "failurePolicy", POLICIES, path) + _one_of(hook, "matchPolicy", MATCH_POLICIES, path)
    if hook.get("sideEffects") is None:
        words = f"must specify one of {', '.join(held.side_effects)}"
        errors.append(field.required(path.child("sideEffects"), words))
    errors += _one_of(hook, "sideEffects", held.side_effects, path)
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        words = f"the timeout value must be between {SHORTEST_SECONDS} and {LONGEST_SECONDS} seconds"
        errors.append(field.invalid(path.child("timeoutSeconds"), seconds, words))
    if held.valid_selectors:
        errors += _selectors(hook, path)
    errors += _one_of(hook, "reinvocationPolicy", REINVOCATIONS, path)
    errors += _client(hook.get("clientConfig") or {}, path.child("clientConfig"))
    if held.conditions:
        conditions = hook.get("matchConditions") or ()
        errors += matchconditions.validate(conditions, path.child("matchConditions"), wrong_condition)
    return errors


def _one_of(hook: Object, name: str, supported: Sequence[str], path: Path) -> ErrorList:
    value = hook.get(name)
    return [] if value is None or value in supported else [field.not_supported(path.child(name), value, supported)]


def _selectors(hook: Object, path: Path) -> ErrorList:
    return names.selector(hook.get("namespaceSelector"), path.child("namespaceSelector")) + names.selector(
        hook.get("objectSelector"), path.child("objectSelector")
    )


def _client(config: Object, path: Path) -> ErrorList:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [field.required(path, "exactly one of url or service is required")]
    if service is None:
        return clientconfig.url(str(url), path.child("url"))
    named = service.get("namespace", ""), service.get("name", "")
    return clientconfig.service(*named, service.get("port") or 0, service.get("path"), path.child("service"))


def _versions(hook: Object, held: Rules, path: Path) -> ErrorList:
    found = hook.get("admissionReviewVersions") or []
    if not found:
        return [field.required(path, f"must specify one of {', '.join(REVIEW_VERSIONS)}")]
    errors: ErrorList = []
    for position, version in enumerate(found):
        if version in found[:position]:
            errors.append(field.invalid(path.index(position), version, "duplicate version"))
        else:
            errors += names.each(path.index(position), version, names.label_1035(version))
    if held.known_version and not any(each in REVIEW_VERSIONS for each in found):
        errors.append(field.invalid(path, found, f"must include at least one of {', '.join(REVIEW_VERSIONS)}"))
    return errors


WORDS = "Webhooks indicates the number of webhooks registered in this configuration"


def _kind(name: str, default: Callable[[Object], None]) -> Kind:
    return Kind(
        group="admissionregistration.k8s.io",
        version="v1",
        kind=name,
        plural=f"{name.lower()}s",
        namespaced=False,
        categories=("api-extensions",),
        schema=schema(f"admissionregistration.v1.{name}"),
        default=default,
        validate_create=validate_create,
        validate_update=validate_update,
        generation=("webhooks",),
        unconditional_update=False,
        columns=(
            columns.NAME,
            Column("Webhooks", "integer", WORDS, lambda obj: len(obj.get("webhooks") or ())),
            columns.AGE,
        ),
    )


MUTATING_WEBHOOK_CONFIGURATION = _kind("MutatingWebhookConfiguration", default_mutating)
VALIDATING_WEBHOOK_CONFIGURATION = _kind("ValidatingWebhookConfiguration", default)
