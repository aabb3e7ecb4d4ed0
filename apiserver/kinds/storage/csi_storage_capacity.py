"""CSIStorageCapacity: how much a driver can still provision. Source: kubernetes/pkg/apis/storage/validation."""

from apiserver.kinds import columns, names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.pod.warnings import LABELS
from apiserver.kinds.workload import immutable
from apiserver.schema.load import schema
from podling.api.field import ErrorList, Path


def validate(obj: Object) -> ErrorList:
    errors = names.selector(obj.get("nodeTopology"), Path("nodeTopology"))
    name = obj.get("storageClassName", "")
    errors += names.each(Path("storageClassName"), name, names.subdomain(name))
    return errors + validate_not_negative(obj.get("capacity"), Path("capacity"))


def validate_update(new: Object, old: Object) -> ErrorList:
    fixed = ("nodeTopology", "storageClassName")
    return [error for name in fixed for error in immutable(new.get(name), old.get(name), Path(name))]


def warn(obj: Object) -> list[str]:
    """Source: kubernetes/pkg/api/node.GetWarningsForNodeSelector."""
    topology, path = obj.get("nodeTopology") or {}, Path("nodeTopology")
    return [
        *(
            f"{path.child('matchExpressions').index(place).child('key')}: {each['key']} is {LABELS[each['key']]}"
            for place, each in enumerate(topology.get("matchExpressions") or ())
            if each.get("key") in LABELS
        ),
        *(
            f"{path.child('matchLabels', key)}: {LABELS[key]}"
            for key in topology.get("matchLabels") or ()
            if key in LABELS
        ),
    ]


_TYPE = "storage.v1.CSIStorageCapacity"
CSI_STORAGE_CAPACITY = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    schema=schema(_TYPE),
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    unconditional_update=False,
    columns=(
        columns.NAME,
        columns.shown("StorageClassName", _TYPE, "storageClassName"),
        columns.shown("Capacity", _TYPE, "capacity", missing="<unset>"),
    ),
)
