"""MutatingAdmissionPolicy: expressions that make changes to what is written.

Source: kubernetes/pkg/apis/admissionregistration/validation (validateMutatingAdmissionPolicySpec).
"""

from apiserver.cel.admission import MAKES
from apiserver.kinds import columns
from apiserver.kinds.admissionregistration import expressions, match_resources, policy
from apiserver.kinds.admissionregistration.expressions import Environment
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

FIELDS = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
RETURNS = {"ApplyConfiguration": "Object", "JSONPatch": "list(JSONPatch)"}
REINVOCATIONS = ("Never", "IfNeeded")
COUNT = "Mutation indicates the number of mutations rules defined in this configuration"


def validate_create(obj: Object) -> ErrorList:
    return _validate(obj, None)


def validate_update(new: Object, old: Object) -> ErrorList:
    return _validate(new, spec_of(old))


def _validate(obj: Object, old: Object | None) -> ErrorList:
    spec = spec_of(obj)
    environment = policy.environment_of(spec)
    errors = policy.validate(spec, environment, old)
    errors += match_resources.validate_mutable(spec.get("matchConstraints") or {}, SPEC.child("matchConstraints"))
    errors += policy.validate_variables(spec, environment)
    mutations, path = spec.get("mutations") or (), SPEC.child("mutations")
    if not mutations:
        errors.append(field.required(path, "mutations must contain at least one item"))
    for position, mutation in enumerate(mutations):
        errors += _mutation(mutation, environment, path.index(position))
    again = spec.get("reinvocationPolicy")
    if not again:
        errors.append(field.required(SPEC.child("reinvocationPolicy")))
    elif again not in REINVOCATIONS:
        errors.append(field.not_supported(SPEC.child("reinvocationPolicy"), again, REINVOCATIONS))
    return errors


def _mutation(found: Object, environment: Environment, path: Path) -> ErrorList:
    kind = found.get("patchType")
    if not kind:
        return [field.required(path.child("patchType"))]
    if kind not in FIELDS:
        return [field.not_supported(path.child("patchType"), kind, FIELDS)]
    name = FIELDS[kind]
    errors: ErrorList = []
    if found.get(name) is None:
        errors.append(field.required(path.child(name), f"must be specified when patchType is {kind}"))
    else:
        errors += _expression(found[name].get("expression", ""), kind, environment, path.child(name, "expression"))
    other = next(each for each in FIELDS.values() if each != name)
    if found.get(other) is not None:
        words = f"must not be specified when patchType is {kind}"
        errors.append(field.invalid(path.child(other), f"{{{other}}}", words))
    return errors


def _expression(said: str, kind: str, environment: Environment, path: Path) -> ErrorList:
    expression = said.strip()
    if not expression:
        return [field.required(path)]
    return expressions.wrong(environment, expression, path, (RETURNS[kind],), makes=MAKES)


MUTATING_ADMISSION_POLICY = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    namespaced=False,
    categories=("api-extensions",),
    schema=schema("admissionregistration.v1.MutatingAdmissionPolicy"),
    default=policy.default,
    validate_create=validate_create,
    validate_update=validate_update,
    generation=("spec",),
    unconditional_update=False,
    columns=(
        columns.NAME,
        Column("Mutations", "integer", COUNT, lambda obj: len(spec_of(obj).get("mutations") or ())),
        Column("ParamKind", "string", policy.PARAM_KIND, policy.shown_param_kind),
        columns.AGE,
    ),
)
