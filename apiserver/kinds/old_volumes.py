"""Volumes of services that have rules of their own, in pods and as persistent volumes alike.

Source: kubernetes/pkg/apis/core/validation.
"""

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

CACHING_MODES, DISK_KINDS = ("None", "ReadOnly", "ReadWrite"), ("Dedicated", "Managed", "Shared")
MANAGED_DISK = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
BLOB = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
PAIRS = "must be a host:port pair or multiple pairs separated by commas"
MOST_TENANT = 64


def validate_quobyte(source: Object, path: Path) -> ErrorList:
    registry, errors = source.get("registry", ""), []
    if not registry:
        errors.append(field.required(path.child("registry"), PAIRS))
    elif len(source.get("tenant", "")) > MOST_TENANT:
        words = f"must be a UUID and may not exceed a length of {MOST_TENANT} characters"
        errors.append(field.required(path.child("tenant"), words))
    else:
        wrong = [pair for pair in registry.split(",") if pair.count(":") != 1]
        errors += [field.invalid(path.child("registry"), registry, PAIRS) for _ in wrong]
    return errors if source.get("volume") else [*errors, field.required(path.child("volume"))]


def validate_azure_disk(source: Object, path: Path) -> ErrorList:
    errors = [field.required(path.child(name)) for name in ("diskName", "diskURI") if not source.get(name)]
    for name, known in (("cachingMode", CACHING_MODES), ("kind", DISK_KINDS)):
        if source.get(name) is not None and source[name] not in known:
            errors.append(field.not_supported(path.child(name), source[name], known))
    kind, address = source.get("kind"), source.get("diskURI", "")
    if kind is not None:
        begin, form = ("/subscriptions/", MANAGED_DISK) if kind == "Managed" else ("https://", BLOB)
        if not address.startswith(begin):
            errors.append(field.not_supported(path.child("diskURI"), address, [form]))
    return errors


def validate_storageos(source: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for name in ("volumeName", "volumeNamespace"):
        given, here = source.get(name, ""), path.child(name)
        if given:
            errors += names.each(here, given, names.label(given))
        elif name == "volumeName":
            errors.append(field.required(here))
    secret = source.get("secretRef")
    if secret is not None and not secret.get("name"):
        errors.append(field.required(path.child("secretRef", "name")))
    return errors
