"""VolumeAttachment: a volume that a driver is to attach to a node. Source: kubernetes/pkg/apis/storage/validation."""

from apiserver.kinds import columns, names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.persistent_volume import validate_inline
from apiserver.kinds.strategy import drop_status, keep_spec_and_metadata, keep_status, status
from apiserver.kinds.workload import IMMUTABLE, SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_METADATA, MOST_MESSAGE = 256 * 1024, 1024
EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = [] if spec.get("attacher") else [field.required(SPEC.child("attacher"))]
    errors += _source(spec.get("source") or {}, SPEC.child("source"))
    node = spec.get("nodeName", "")
    return errors + names.each(SPEC.child("nodeName"), node, names.subdomain(node)) + _status(status_of(obj))


def _source(source: Object, path: Path) -> ErrorList:
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and name is None:
        return [field.required(path, EXACTLY_ONE)]
    if inline is not None and name is not None:
        return [field.forbidden(path, EXACTLY_ONE)]
    if inline is not None:
        return validate_inline(inline, path.child("inlineVolumeSpec"))
    here = path.child("persistentVolumeName")
    return [] if name else [field.required(here, "must specify non empty persistentVolumeName")]


def _status(found: Object) -> ErrorList:
    errors: ErrorList = []
    metadata = found.get("attachmentMetadata") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > MOST_METADATA:
        errors.append(field.too_long(STATUS.child("attachmentMetadata"), MOST_METADATA))
    for name in ("attachError", "detachError"):
        wrong, path = found.get(name) or {}, STATUS.child(name)
        if len(wrong.get("message", "").encode()) > MOST_MESSAGE:
            errors.append(field.too_long(path.child("message"), MOST_METADATA))
        if (wrong.get("errorCode") or 0) < 0:
            words = "must be between 0 and 2147483647, inclusive"
            errors.append(field.invalid(path.child("errorCode"), wrong["errorCode"], words))
    return errors


def validate_create(obj: Object) -> ErrorList:
    """What v1 asks of new ones besides."""
    spec = spec_of(obj)
    errors = names.driver(spec.get("attacher", ""), SPEC.child("attacher"))
    name = (spec.get("source") or {}).get("persistentVolumeName")
    if name is not None:
        errors += names.each(SPEC.child("source", "persistentVolumeName"), name, names.subdomain(name))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    errors = validate(new)  # once more, as Kubernetes does
    if spec_of(new) != spec_of(old):
        errors.append(field.invalid(SPEC, internal(spec_of(new), _SPEC), IMMUTABLE))
    return errors


_SPEC, _STATUS = "storage.v1.VolumeAttachmentSpec", "storage.v1.VolumeAttachmentStatus"
VOLUME_ATTACHMENT = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttachment",
    plural="volumeattachments",
    namespaced=False,
    schema=schema("storage.v1.VolumeAttachment"),
    prepare_create=drop_status("storage.v1.VolumeAttachment"),
    prepare_update=keep_status,
    validate=validate,
    validate_create=validate_create,
    validate_update=validate_update,
    unconditional_update=False,
    returns_deleted=True,
    subresources=(status(lambda new, old: validate(new) + validate_update(new, old), prepare=keep_spec_and_metadata),),
    columns=(
        columns.NAME,
        columns.shown("Attacher", _SPEC, "spec.attacher", format="name"),
        columns.shown("PV", "storage.v1.VolumeAttachmentSource", "spec.source.persistentVolumeName"),
        columns.shown("Node", _SPEC, "spec.nodeName"),
        columns.shown("Attached", _STATUS, "status.attached", missing=False, kind="boolean"),
        columns.AGE,
    ),
)
