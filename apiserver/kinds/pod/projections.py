"""Files that volumes are made of: keys of config maps and secrets, a pod's own fields, tokens.

Source: kubernetes/pkg/apis/core/validation.validateProjectionSources, validateKeyToPath.
"""

from collections.abc import Sequence

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.env import RESOURCES
from apiserver.kinds.pod.paths import non_reserved
from apiserver.kinds.pod.selectors import validate_field_reference, validate_resource_reference
from podling.api import field
from podling.api.field import ErrorList, Path

FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
MODE = "must be a number between 0 and 0777 (octal), both inclusive"
LEAST_SECONDS, MOST_SECONDS = 600, 1 << 32


def validate_mode(mode: int | None, path: Path) -> ErrorList:
    return [] if mode is None or 0 <= mode <= 0o777 else [field.invalid(path, mode, MODE)]


def validate_items(items: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, item in enumerate(items):
        here = path.index(position)
        if not item.get("key"):
            errors.append(field.required(here.child("key")))
        if not item.get("path"):
            errors.append(field.required(here.child("path")))
        errors += non_reserved(item.get("path", ""), here.child("path"))
        errors += validate_mode(item.get("mode"), here.child("mode"))
    return errors


def validate_downward_files(files: Sequence[Object], path: Path) -> ErrorList:
    """Kubernetes names the volume here, not the file's index."""
    errors: ErrorList = []
    for file in files:
        if not file.get("path"):
            errors.append(field.required(path.child("path")))
        errors += non_reserved(file.get("path", ""), path.child("path"))
        by_field, by_resource = file.get("fieldRef"), file.get("resourceFieldRef")
        if by_field is not None:
            errors += validate_field_reference(by_field, FIELDS, path.child("fieldRef"))
            if by_resource is not None:
                words = "fieldRef and resourceFieldRef can not be specified simultaneously"
                errors.append(field.invalid(path, "resource", words))
        elif by_resource is not None:
            here = path.child("resourceFieldRef")
            errors += validate_resource_reference(by_resource, RESOURCES, here, in_volume=True)
        else:
            errors.append(field.required(path, "one of fieldRef and resourceFieldRef is required"))
        errors += validate_mode(file.get("mode"), path.child("mode"))
    return errors


def validate_projected(source: Object, path: Path) -> ErrorList:
    errors = validate_mode(source.get("defaultMode"), path.child("defaultMode"))
    taken: set[str] = set()
    for position, each in enumerate(source.get("sources") or ()):
        errors += _projection(each, path, path.child("sources").index(position), taken)
    return errors


def _projection(source: Object, volume: Path, path: Path, taken: set[str]) -> ErrorList:
    errors: ErrorList = []
    count = 0
    for name in ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"):
        found = source.get(name)
        if found is None:
            continue
        count += 1
        here = path.child(name)
        items = found.get("items") or []
        if name in ("secret", "configMap"):
            errors += [] if found.get("name") else [field.required(here.child("name"))]
            errors += validate_items(items, here.child("items"))
            errors += _conflicts([item.get("path", "") for item in items], taken, volume, found.get("name", ""))
        elif name == "downwardAPI":
            errors += validate_downward_files(items, here)
            errors += _conflicts([item.get("path", "") for item in items], taken, volume)
        elif name == "serviceAccountToken":
            errors += _token(found, volume, here)
        else:
            errors += _named(found, here, name)
            errors += _conflicts([found.get("path", "")], taken, volume)
    if count > 1:
        errors.append(field.forbidden(path, "may not specify more than 1 volume type per source"))
    return errors


def _conflicts(paths: Sequence[str], taken: set[str], volume: Path, owner: str | None = None) -> ErrorList:
    errors: ErrorList = []
    for text in filter(None, paths):
        if text in taken:
            errors.append(field.invalid(volume, text if owner is None else owner, "conflicting duplicate paths"))
        taken.add(text)
    return errors


def _token(source: Object, volume: Path, path: Path) -> ErrorList:
    """The path's errors name the volume, as Kubernetes does."""
    errors: ErrorList = []
    here, seconds = path.child("expirationSeconds"), source.get("expirationSeconds", LEAST_SECONDS)
    if seconds < LEAST_SECONDS:
        errors.append(field.invalid(here, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > MOST_SECONDS:
        errors.append(field.invalid(here, seconds, "may not specify a duration larger than 2^32 seconds"))
    if not source.get("path"):
        return [*errors, field.required(volume.child("path"))]
    return errors + non_reserved(source["path"], volume.child("path"))


def _named(source: Object, path: Path, kind: str) -> ErrorList:
    """Trust bundles and certificates, which no signer of ours serves: their shape alone is looked at."""
    if kind == "podCertificate":
        return [field.required(path.child(name)) for name in ("signerName", "keyType") if not source.get(name)]
    errors: ErrorList = []
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        errors.append(field.invalid(path, None, "only one of name and signerName may be used"))
    if name is None and signer is None:
        errors.append(field.required(path, "either name or signerName must be specified"))
    if not source.get("path"):
        errors.append(field.required(path.child("path")))
    return errors
