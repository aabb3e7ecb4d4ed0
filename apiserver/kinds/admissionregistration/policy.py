"""What ValidatingAdmissionPolicy and MutatingAdmissionPolicy have in common.

Source: kubernetes/pkg/apis/admissionregistration/{v1/defaults.go,validation}.
"""

from apiserver.cel import CompileError, Unavailable
from apiserver.cel.escape import is_identifier
from apiserver.kinds import names
from apiserver.kinds.admissionregistration import expressions, match_resources, matchconditions
from apiserver.kinds.admissionregistration.expressions import Environment
from apiserver.kinds.columns import UNSET
from apiserver.kinds.kind import Object
from apiserver.kinds.workload import SPEC, spec_of
from podling.api import field
from podling.api.field import ErrorList, Path

FAILURE_POLICIES = ("Fail", "Ignore")
PARAM_KIND = "ParamKind specifies the kind of resources used to parameterize this policy"


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    if spec.get("failurePolicy") is None:
        spec["failurePolicy"] = "Fail"
    if spec.get("matchConstraints") is not None:
        match_resources.default(spec["matchConstraints"])


def environment_of(spec: Object) -> Environment:
    return Environment(params=spec.get("paramKind") is not None, composed=bool(spec.get("variables")))


def validate(spec: Object, environment: Environment, old: Object | None) -> ErrorList:
    """All but what the policy does. `old` is the spec before: match conditions that stay are not looked at again."""
    errors: ErrorList = []
    policy = spec.get("failurePolicy")
    if policy not in FAILURE_POLICIES:
        errors.append(field.not_supported(SPEC.child("failurePolicy"), policy, FAILURE_POLICIES))
    kind = spec.get("paramKind")
    if kind is not None:
        errors += _param_kind(kind, SPEC.child("paramKind"))
    constraints, path = spec.get("matchConstraints"), SPEC.child("matchConstraints")
    if constraints is None:
        errors.append(field.required(path))
    else:
        errors += match_resources.validate(constraints, path)
        if not constraints.get("resourceRules"):
            errors.append(field.required(path.child("resourceRules")))
    if old is None or any(spec.get(name) != old.get(name) for name in ("paramKind", "matchConditions")):
        errors += _conditions(spec)
    return errors


def _conditions(spec: Object) -> ErrorList:
    """They do not see the policy's variables."""
    environment = Environment(params=spec.get("paramKind") is not None)
    return matchconditions.validate(
        spec.get("matchConditions") or (),
        SPEC.child("matchConditions"),
        lambda expression, path: expressions.wrong(environment, expression, path, ("bool",)),
    )


def validate_variables(spec: Object, environment: Environment) -> ErrorList:
    errors: ErrorList = []
    for position, variable in enumerate(spec.get("variables") or ()):
        path = SPEC.child("variables").index(position)
        name, expression = variable.get("name", ""), variable.get("expression", "")
        if not name.strip():
            errors.append(field.required(path.child("name"), "name is not specified"))
        elif not is_identifier(name):
            errors.append(field.invalid(path.child("name"), name, "must be a valid CEL identifier"))
        if not expression.strip():
            errors.append(field.required(path.child("expression"), "expression is not specified"))
            continue
        try:
            environment.add(name, expression)
        except (CompileError, Unavailable) as error:
            errors.append(field.invalid(path.child("expression"), expression, str(error)))
    return errors


def _param_kind(found: Object, path: Path) -> ErrorList:
    return _api_version(found.get("apiVersion", ""), path.child("apiVersion")) + _kind(
        found.get("kind", ""), path.child("kind")
    )


def _api_version(said: str, path: Path) -> ErrorList:
    if not said:
        return [field.required(path)]
    if said.count("/") > 1:
        return [field.invalid(path, said, f"unexpected GroupVersion string: {said}")]
    group, _, version = said.rpartition("/")
    errors: ErrorList = []
    if group and (messages := names.subdomain(group)):
        errors.append(field.invalid(path, group, ",".join(messages)))
    if not version:
        errors.append(field.invalid(path, said, "version must be specified"))
    elif messages := names.label_1035(version):
        errors.append(field.invalid(path, version, ",".join(messages)))
    return errors


def _kind(said: str, path: Path) -> ErrorList:
    if not said:
        return [field.required(path)]
    messages = names.label_1035(said.lower())
    words = f"may have mixed case, but should otherwise match: {','.join(messages)}"
    return [field.invalid(path, said, words)] if messages else []


def shown_param_kind(obj: Object) -> str:
    kind = spec_of(obj).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET
