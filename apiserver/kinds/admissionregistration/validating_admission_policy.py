"""ValidatingAdmissionPolicy: expressions that must be true of what is written.

Source: kubernetes/pkg/apis/admissionregistration/validation, registry/admissionregistration/validatingadmissionpolicy.
"""

import re

from apiserver.kinds import columns, names
from apiserver.kinds.admissionregistration import expressions, policy
from apiserver.kinds.admissionregistration.expressions import Environment
from apiserver.kinds.conditions import validate_conditions
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPE = "admissionregistration.v1.ValidatingAdmissionPolicy"
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
MOST_ANNOTATIONS, LONGEST_VALUE_BYTES = 20, 5 * 1024
SOMETHING = "validations or auditAnnotations must contain at least one item"
COUNT = "Validations indicates the number of validation rules defined in this configuration"


def validate_create(obj: Object) -> ErrorList:
    return _validate(obj, None)


def validate_update(new: Object, old: Object) -> ErrorList:
    return _validate(new, spec_of(old))


def _validate(obj: Object, old: Object | None) -> ErrorList:
    spec = spec_of(obj)
    environment = policy.environment_of(spec)
    errors = policy.validate(spec, environment, old) + policy.validate_variables(spec, environment)
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        return [*errors, *(field.required(SPEC.child(name), SOMETHING) for name in ("validations", "auditAnnotations"))]
    for position, validation in enumerate(validations):
        errors += _validation(validation, environment, spec, SPEC.child("validations").index(position))
    return errors + _annotations(obj, environment)


def _validation(found: Object, environment: Environment, spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    expression, message = found.get("expression", ""), found.get("message", "")
    if expression.strip():
        errors += expressions.wrong(environment, expression, path.child("expression"), ("bool",))
    else:
        errors.append(field.required(path.child("expression"), "expression is not specified"))
    telling, here = found.get("messageExpression", ""), path.child("messageExpression")
    if telling.strip():
        errors += expressions.wrong(environment, telling, here, ("string",), authorizer=False)
    elif telling:
        errors.append(field.invalid(here, telling, "must be non-empty if specified"))
    if message and not message.strip():
        errors.append(field.invalid(path.child("message"), message, "must be non-empty if specified"))
    elif re.search(r"[\n\r]", message.strip()):
        errors.append(field.invalid(path.child("message"), message, "must not contain line breaks"))
    reason = found.get("reason")
    if reason is not None and reason not in REASONS:
        errors.append(field.not_supported(path.child("reason"), reason, REASONS))
    return errors


def _annotations(obj: Object, environment: Environment) -> ErrorList:
    found, path = spec_of(obj).get("auditAnnotations") or (), SPEC.child("auditAnnotations")
    errors: ErrorList = []
    if len(found) > MOST_ANNOTATIONS:
        shown = [{"Key": each.get("key", ""), "ValueExpression": each.get("valueExpression", "")} for each in found]
        errors.append(field.invalid(path, shown, f"must not have more than {MOST_ANNOTATIONS} auditAnnotations"))
    seen: set[str] = set()
    for position, annotation in enumerate(found):
        here, key = path.index(position), annotation.get("key", "")
        errors += _annotation(annotation, obj["metadata"].get("name", ""), environment, here)
        if key in seen:
            errors.append(field.duplicate(here.child("key"), key))
        seen.add(key)
    return errors


def _annotation(found: Object, name: str, environment: Environment, path: Path) -> ErrorList:
    key, said = f"{name}/{found.get('key', '')}", found.get("valueExpression", "")
    if name:
        errors = names.each(path.child("key"), key, names.qualified(key))
    else:
        words = "requires metadata.name be non-empty"
        errors = [field.invalid(path.child("key"), found.get("key", ""), words)]
    here, value = path.child("valueExpression"), said.strip()
    if not value:
        errors.append(field.required(here, "valueExpression is not specified"))
    elif len(value.encode()) > LONGEST_VALUE_BYTES:
        errors.append(field.required(here, f"must not exceed {LONGEST_VALUE_BYTES} bytes in length"))
    else:
        errors += expressions.wrong(environment, value, here, ("string", "null_type"), shown=said)
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    told = status_of(new)
    errors: ErrorList = []
    for position, warning in enumerate((told.get("typeChecking") or {}).get("expressionWarnings") or ()):
        path = STATUS.child("typeChecking", "expressionWarnings").index(position)
        if not warning.get("warning"):
            errors.append(field.required(path.child("warning")))
        if not warning.get("fieldRef", "").strip():
            errors.append(field.required(path.child("fieldRef")))
    return errors + validate_conditions(told.get("conditions") or (), STATUS.child("conditions"))


VALIDATING_ADMISSION_POLICY = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    namespaced=False,
    categories=("api-extensions",),
    schema=schema(TYPE),
    default=policy.default,
    prepare_create=drop_status(TYPE),
    prepare_update=keep_status,
    validate_create=validate_create,
    validate_update=validate_update,
    generation=("spec",),
    unconditional_update=False,
    subresources=(status(validate_status),),
    columns=(
        columns.NAME,
        Column("Validations", "integer", COUNT, lambda obj: len(spec_of(obj).get("validations") or ())),
        Column("ParamKind", "string", policy.PARAM_KIND, policy.shown_param_kind),
        columns.AGE,
    ),
)
