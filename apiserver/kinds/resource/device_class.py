"""DeviceClass: devices of a sort, and how their drivers set them up."""

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.pod.amounts import is_extended
from apiserver.kinds.resource.lists import validate_list
from apiserver.kinds.resource.selectors import MOST_CONFIGS, validate_config, validate_selectors
from apiserver.kinds.workload import SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = validate_selectors(spec.get("selectors"), SPEC.child("selectors"))
    errors += validate_list(spec.get("config"), MOST_CONFIGS, validate_config, SPEC.child("config"))
    name = spec.get("extendedResourceName")
    if name is not None and not is_extended(name):
        words = "must be a valid extended resource name"
        errors.append(field.invalid(SPEC.child("extendedResourceName"), name, words))
    return errors


DEVICE_CLASS = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    namespaced=False,
    schema=schema("resource.v1.DeviceClass"),
    validate=validate,
    generation=("spec",),
    returns_deleted=True,
    columns=(columns.NAME, columns.AGE),
)
