"""A reference to another object by group, kind and name: an Ingress' backend, the parameters of an IngressClass."""

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path


def validate_reference(found: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    if found.get("apiGroup") is not None:
        errors += names.each(path.child("apiGroup"), found["apiGroup"], names.subdomain(found["apiGroup"]))
    for name in ("kind", "name"):
        if not found.get(name):
            errors.append(field.required(path.child(name)))
        else:
            errors += names.each(path.child(name), found[name], names.path_segment(found[name]))
    return errors
