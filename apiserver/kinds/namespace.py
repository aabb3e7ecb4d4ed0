"""Namespace. Source: kubernetes/pkg/registry/core/namespace and pkg/apis/core/v1/defaults.go."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object, Subresource
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"
FINALIZERS = Path("spec.finalizers")


def default(obj: Object) -> None:
    meta = obj["metadata"]
    if name := meta.get("name"):
        meta.setdefault("labels", {})[NAME_LABEL] = name
    obj.setdefault("status", {}).setdefault("phase", "Active")


def prepare_create(obj: Object) -> None:
    obj["status"] = {"phase": "Active"}
    spec = obj.setdefault("spec", {})
    finalizers = spec.get("finalizers") or []
    spec["finalizers"] = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]
    default(obj)


def prepare_update(new: Object, old: Object) -> None:
    """Finalizers have a path of their own, and so has status."""
    _keep(new, old, "status")
    finalizers = (old.get("spec") or {}).get("finalizers")
    spec = new.setdefault("spec", {})
    spec.pop("finalizers", None)
    if finalizers:
        spec["finalizers"] = finalizers


def terminate(obj: Object) -> None:
    obj.setdefault("status", {})["phase"] = "Terminating"


def _keep(new: Object, old: Object, part: str) -> None:
    new[part] = old.get(part, {})


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    for name in (obj.get("spec") or {}).get("finalizers") or ():
        errors += _finalizer(name, FINALIZERS)
    return errors


def _validate_finalize(new: Object, old: Object) -> ErrorList:
    errors: ErrorList = []
    for position, name in enumerate((new.get("spec") or {}).get("finalizers") or ()):
        errors += _finalizer(name, FINALIZERS.index(position))
    return errors


def _finalizer(name: str, path: Path) -> ErrorList:
    """A finalizer's name is qualified; without a prefix only `kubernetes` is known."""
    errors = names.each(path, name, names.qualified(name))
    if "/" not in name and name != FINALIZER:
        errors.append(field.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return errors


def _validate_status(new: Object, old: Object) -> ErrorList:
    phase = (new.get("status") or {}).get("phase", "")
    terminating = bool(new["metadata"].get("deletionTimestamp"))
    words = "may only be 'Terminating' if `deletionTimestamp` is not empty"
    if terminating and phase != "Terminating":
        return [field.invalid(Path("status.Phase"), phase, words)]
    if not terminating and phase != "Active":
        return [field.invalid(Path("status.Phase"), phase, "may only be 'Active' if `deletionTimestamp` is empty")]
    return []


def _phase(obj: Object) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


NAMESPACE = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    namespaced=False,
    short_names=("ns",),
    schema=schema("core.v1.Namespace"),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    validate_name=names.label,
    terminate=terminate,
    returns_deleted=True,
    selectable=lambda obj: {"name": obj["metadata"].get("name", ""), "status.phase": _phase(obj)},
    subresources=(
        Subresource(
            "finalize",
            ("update",),
            prepare_update=lambda new, old: _keep(new, old, "status"),
            validate_update=_validate_finalize,
        ),
        Subresource(
            "status",
            ("get", "patch", "update"),
            prepare_update=lambda new, old: _keep(new, old, "spec"),
            validate_update=_validate_status,
        ),
    ),
    columns=(
        columns.NAME,
        Column("Status", "string", "The status of the namespace", _phase),
        columns.AGE,
    ),
)
