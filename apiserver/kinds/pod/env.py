"""Environment of containers. Source: kubernetes/pkg/apis/core/validation.ValidateEnv, ValidateEnvFrom."""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.paths import descending
from apiserver.kinds.pod.selectors import validate_field_reference, validate_resource_reference
from podling.api import field
from podling.api.field import ErrorList, Path

FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
ONLY_ONE = "may not have more than one field specified at a time"
_SOURCES = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"


def validate_env(variables: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, variable in enumerate(variables):
        here, name = path.index(position), variable.get("name", "")
        if not name:
            errors.append(field.required(here.child("name")))
        else:
            errors += names.each(here.child("name"), name, names.environment(name))
        if variable.get("valueFrom") is not None:
            errors += _value_from(variable, here.child("valueFrom"))
    return errors


def _value_from(variable: Object, path: Path) -> ErrorList:
    source = variable["valueFrom"]
    errors: ErrorList = []
    count = 0
    if (found := source.get("fieldRef")) is not None:
        count += 1
        errors += validate_field_reference(found, FIELDS, path.child("fieldRef"))
    if (found := source.get("resourceFieldRef")) is not None:
        count += 1
        errors += validate_resource_reference(found, RESOURCES, path.child("resourceFieldRef"), in_volume=False)
    for name in ("configMapKeyRef", "secretKeyRef"):
        if (found := source.get(name)) is not None:
            count += 1
            errors += _key(found, path.child(name))
    if (found := source.get("fileKeyRef")) is not None:
        count += 1
        errors += _file_key(found, path.child("fileKeyRef"))
    if count == 0:
        errors.append(field.invalid(path, "", _SOURCES))
    elif variable.get("value"):
        errors.append(field.invalid(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        errors.append(field.invalid(path, "", ONLY_ONE))
    return errors


def _key(reference: Object, path: Path) -> ErrorList:
    name, key = reference.get("name", ""), reference.get("key", "")
    errors = names.each(path.child("name"), name, names.subdomain(name))
    if not key:
        return [*errors, field.required(path.child("key"))]
    return errors + names.each(path.child("key"), key, names.config_key(key))


def _file_key(reference: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    key, volume, file = reference.get("key", ""), reference.get("volumeName", ""), reference.get("path", "")
    if not key:
        errors.append(field.required(path.child("key")))
    else:
        errors += names.each(path.child("key"), key, names.environment(key))
    if not volume:
        errors.append(field.required(path.child("volumeName")))
    else:
        errors += names.each(path.child("volumeName"), volume, names.label(volume))
    if not file:
        return [*errors, field.required(path.child("path"))]
    return errors + descending(file, path.child("path"))


def validate_file_volumes(spec: Object, path: Path) -> ErrorList:
    """A file that holds a variable is in an emptyDir: another container writes it."""
    volumes = {each.get("name"): each for each in spec.get("volumes") or ()}
    errors: ErrorList = []
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for position, container in enumerate(spec.get(part) or ()):
            for number, variable in enumerate(container.get("env") or ()):
                name = ((variable.get("valueFrom") or {}).get("fileKeyRef") or {}).get("volumeName")
                here = path.child(part).index(position).child("env").index(number)
                here = here.child("valueFrom", "fileKeyRef", "volumeName")
                if name and name not in volumes:
                    errors.append(field.not_found(here, name))
                elif name and volumes[name].get("emptyDir") is None:
                    errors.append(field.invalid(here, name, "referenced volume must be of type emptyDir"))
    return errors


def validate_env_from(sources: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, source in enumerate(sources):
        here = path.index(position)
        if prefix := source.get("prefix"):
            errors += names.each(here.child("prefix"), prefix, names.environment(prefix))
        found = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in found:
            errors += required_name(source[name].get("name", ""), here.child(name, "name"))
        if not found:
            errors.append(field.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(found) > 1:
            errors.append(field.invalid(path, "", ONLY_ONE))
    return errors


def required_name(name: str, path: Path) -> ErrorList:
    """The name of another object, which must be there and well formed."""
    return names.each(path, name, names.subdomain(name)) if name else [field.required(path)]
