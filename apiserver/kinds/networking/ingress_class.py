"""IngressClass."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.networking.reference import validate_reference
from apiserver.kinds.workload import SPEC, immutable, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

SCOPES = ("Cluster", "Namespace")
DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
MOST_CHARACTERS = 250


def is_default(obj: Object) -> bool:
    return (obj["metadata"].get("annotations") or {}).get(DEFAULT_ANNOTATION) == "true"


def default(obj: Object) -> None:
    parameters = spec_of(obj).get("parameters")
    if parameters is not None and parameters.get("scope") is None:
        parameters["scope"] = "Cluster"


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    name, path = spec.get("controller", ""), SPEC.child("controller")
    errors = [field.too_long(path, MOST_CHARACTERS)] if len(name) > MOST_CHARACTERS else []
    errors += names.domain_path(name, path)
    if spec.get("parameters") is not None:
        errors += _parameters(spec["parameters"], SPEC.child("parameters"))
    return errors


def _parameters(found: Object, path: Path) -> ErrorList:
    errors = validate_reference(found, path)
    scope, namespace, here = found.get("scope"), found.get("namespace"), path.child("namespace")
    if scope not in SCOPES:
        errors.append(field.not_supported(path.child("scope"), scope, SCOPES))
    elif scope == "Namespace":
        if namespace is None:
            errors.append(field.required(here, "`parameters.scope` is set to 'Namespace'"))
        else:
            errors += names.each(here, namespace, names.label(namespace))
    elif namespace is not None:
        errors.append(field.forbidden(here, "`parameters.scope` is set to 'Cluster'"))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new).get("controller"), spec_of(old).get("controller")
    return immutable(now, was, SPEC.child("controller")) + validate(new)


def _parameters_text(obj: Object) -> str:
    found = spec_of(obj).get("parameters")
    if not found:
        return columns.NONE
    group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
    return f"{found['kind']}{group}/{found['name']}"


INGRESS_CLASS = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    namespaced=False,
    schema=schema("networking.v1.IngressClass"),
    default=default,
    validate_create=validate,
    validate_update=validate_update,  # looks at the change first, at the rest then
    generation=("spec",),
    columns=(
        columns.NAME,
        Column(
            "Controller",
            "string",
            "Controller that is responsible for handling this class",
            lambda obj: spec_of(obj).get("controller", ""),
        ),
        Column("Parameters", "string", "A reference to a resource with additional parameters", _parameters_text),
        columns.AGE,
    ),
)
