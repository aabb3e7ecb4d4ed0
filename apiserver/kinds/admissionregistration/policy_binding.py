"""Bindings: where a policy counts, with which parameters, and what follows where it is not kept.

Source: kubernetes/pkg/apis/admissionregistration/validation (validateValidatingAdmissionPolicyBindingSpec).
"""

from collections.abc import Callable

from apiserver.kinds import columns, names
from apiserver.kinds.admissionregistration import match_resources
from apiserver.kinds.columns import UNSET
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

ACTIONS = ("Audit", "Deny", "Warn")
NOT_FOUND = ("Deny", "Allow")
EXCLUSIVE = "name and selector are mutually exclusive"
TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
POLICY_NAME = "PolicyName indicates the policy definition which the policy binding binded to"
PARAM_REF = "ParamRef indicates the param resource which sets the configration param"


def default(obj: Object) -> None:
    found = spec_of(obj).get("matchResources")
    if found is not None:
        match_resources.default(found)


def _validate(obj: Object) -> ErrorList:
    spec, path = spec_of(obj), SPEC.child("policyName")
    name = spec.get("policyName", "")
    errors = names.each(path, name, names.subdomain(name)) if name else [field.required(path)]
    if spec.get("paramRef") is not None:
        errors += _param_ref(spec["paramRef"], SPEC.child("paramRef"))
    return errors


def validate_validating(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = _validate(obj)
    if spec.get("matchResources") is not None:
        errors += match_resources.validate(spec["matchResources"], SPEC.child("matchResouces"))  # as Kubernetes has it
    return errors + _actions(spec.get("validationActions") or [], SPEC.child("validationActions"))


def validate_mutating(obj: Object) -> ErrorList:
    found, path = spec_of(obj).get("matchResources"), SPEC.child("matchResources")
    if found is None:
        return _validate(obj)
    return _validate(obj) + match_resources.validate(found, path) + match_resources.validate_mutable(found, path)


def _param_ref(found: Object, path: Path) -> ErrorList:
    name, selector = found.get("name", ""), found.get("selector")
    errors = names.each(path.child("name"), name, names.path_segment(name)) if name else []
    if selector is not None:
        if name:
            errors.append(field.forbidden(path.child("name"), EXCLUSIVE))
        errors += names.selector(selector, path.child("selector"))
        if name:
            errors.append(field.forbidden(path.child("selector"), EXCLUSIVE))
    elif not name:
        errors.append(field.required(path, "one of name or selector must be specified"))
    action, here = found.get("parameterNotFoundAction"), path.child("parameterNotFoundAction")
    if not action:
        errors.append(field.required(here))
    elif action not in NOT_FOUND:
        errors.append(field.not_supported(here, action, NOT_FOUND))
    return errors


def _actions(found: list[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, action in enumerate(found):
        if action not in ACTIONS:
            errors.append(field.not_supported(path.index(position), action, ACTIONS))
        if action in found[:position]:
            errors.append(field.duplicate(path.index(position), action))
    if {"Deny", "Warn"} <= set(found):
        errors.append(field.invalid(path, found, TWICE))
    return errors if found else [field.required(path, "at least one validation action is required")]


def _shown_param(obj: Object) -> str:
    found = spec_of(obj).get("paramRef") or {}
    if found.get("name"):
        return f"{found.get('namespace') or '*'}/{found['name']}"
    return _shown_selector(found["selector"]) if found.get("selector") is not None else UNSET


def _shown_selector(selector: Object) -> str:
    """As gogo/protobuf prints it."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    each = (
        f"LabelSelectorRequirement{{Key:{found.get('key', '')},Operator:{found.get('operator', '')},"
        f"Values:[{' '.join(found.get('values') or ())}],}},"
        for found in selector.get("matchExpressions") or ()
    )
    wanted = f"MatchExpressions:[]LabelSelectorRequirement{{{''.join(each)}}}"
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},{wanted},}}"


def _kind(name: str, validate: Callable[[Object], ErrorList]) -> Kind:
    return Kind(
        group="admissionregistration.k8s.io",
        version="v1",
        kind=name,
        plural=f"{name.lower()}s",
        namespaced=False,
        categories=("api-extensions",),
        schema=schema(f"admissionregistration.v1.{name}"),
        default=default,
        validate=validate,
        generation=("spec",),
        unconditional_update=False,
        columns=(
            columns.NAME,
            Column("PolicyName", "string", POLICY_NAME, lambda obj: spec_of(obj).get("policyName", "")),
            Column("ParamRef", "string", PARAM_REF, _shown_param),
            columns.AGE,
        ),
    )


MUTATING_ADMISSION_POLICY_BINDING = _kind("MutatingAdmissionPolicyBinding", validate_mutating)
VALIDATING_ADMISSION_POLICY_BINDING = _kind("ValidatingAdmissionPolicyBinding", validate_validating)
