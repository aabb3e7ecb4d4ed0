"""RuntimeClass of node.k8s.io: which of the engine's OCI runtimes pods run under, and what that costs them.

Source: kubernetes/pkg/apis/node/validation. Words: golden groups-cluster.
"""

from collections.abc import Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.amounts import validate_requirements
from apiserver.kinds.pod.scheduling import validate_tolerations
from apiserver.kinds.pod.warnings import LABELS
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path


def validate(obj: Object) -> ErrorList:
    path, handler = Path("handler"), obj.get("handler") or ""
    errors = names.each(path, handler, names.label(handler)) if handler else [field.required(path)]
    overhead = (obj.get("overhead") or {}).get("podFixed") or {}
    errors += validate_requirements({"limits": overhead}, (), Path("overhead"))
    scheduling = obj.get("scheduling") or {}
    errors += names.labels(scheduling.get("nodeSelector"), Path("scheduling.nodeSelector"))
    return errors + _tolerations(scheduling.get("tolerations") or (), Path("scheduling.tolerations"))


def _tolerations(tolerations: Sequence[Object], path: Path) -> ErrorList:
    errors = validate_tolerations(tolerations, path)
    for position, each in enumerate(tolerations):
        if each in tolerations[:position]:
            errors.append(field.duplicate(path.index(position), internal(each, "core.v1.Toleration")))
    return errors


def warn(obj: Object) -> list[str]:
    chosen = (obj.get("scheduling") or {}).get("nodeSelector") or {}
    return [f"scheduling.nodeSelector: {LABELS[key]}" for key in sorted(chosen) if key in LABELS]


def validate_update(new: Object, old: Object) -> ErrorList:
    if new.get("handler") == old.get("handler"):
        return []
    return [field.invalid(Path("handler"), new.get("handler") or "", "field is immutable")]


RUNTIME_CLASS = Kind(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    namespaced=False,
    schema=schema("node.v1.RuntimeClass"),
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    create_on_update=True,
    unconditional_update=False,
    columns=(
        columns.NAME,
        Column("Handler", "string", "", lambda obj: obj.get("handler", "")),
        columns.AGE,
    ),
)
