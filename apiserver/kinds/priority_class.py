"""PriorityClass of scheduling.k8s.io. Source: kubernetes/pkg/apis/scheduling/validation."""

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

SYSTEM = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
CLUSTER_WORDS = (
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
)
NODE_WORDS = "Used for system critical pods that must not be moved from their current node."
# Made by the server at its first start.
SYSTEM_CLASSES: tuple[Object, ...] = tuple(
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "description": CLUSTER_WORDS if name == "system-cluster-critical" else NODE_WORDS,
    }
    for name, value in SYSTEM.items()
)
MOST_OF_USERS = 1_000_000_000
POLICIES = ("PreemptLowerPriority", "Never")


def default(obj: Object) -> None:
    if obj.get("preemptionPolicy") is None:
        obj["preemptionPolicy"] = "PreemptLowerPriority"


def validate(obj: Object) -> ErrorList:
    name, value, policy = obj["metadata"].get("name", ""), obj.get("value", 0), obj.get("preemptionPolicy")
    errors: ErrorList = []
    if name.startswith("system-"):
        if SYSTEM.get(name) != value:
            words = f"error: {name} is not a known system priority class"
            if name in SYSTEM:
                words = f"error: value of {name} PriorityClass must be {SYSTEM[name]}"
            head = "priority class names with 'system-' prefix are reserved for system use only. "
            errors.append(field.forbidden(Path("metadata.name"), head + words))
    elif value > MOST_OF_USERS:
        words = f"maximum allowed value of a user defined priority is {MOST_OF_USERS}"
        errors.append(field.forbidden(Path("value"), words))
    if policy not in POLICIES:
        errors.append(field.not_supported(Path("preemptionPolicy"), policy, POLICIES))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    errors: ErrorList = []
    if new.get("value", 0) != old.get("value", 0):
        errors.append(field.forbidden(Path("value"), "may not be changed in an update."))
    if new.get("preemptionPolicy") != old.get("preemptionPolicy"):
        errors.append(field.invalid(Path("preemptionPolicy"), new.get("preemptionPolicy"), "field is immutable"))
    return errors


def _prepare_create(obj: Object) -> None:
    obj["metadata"]["generation"] = 1


_TYPE = "scheduling.v1.PriorityClass"
PRIORITY_CLASS = Kind(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    short_names=("pc",),
    namespaced=False,
    schema=schema(_TYPE),
    default=default,
    prepare_create=_prepare_create,
    validate_create=validate,
    validate_update=validate_update,
    columns=(
        columns.NAME,
        columns.shown("Value", _TYPE, "value", missing=0, kind="integer"),
        columns.shown("Global-Default", _TYPE, "globalDefault", missing=False, kind="boolean"),
        columns.AGE,
        columns.shown("PreemptionPolicy", _TYPE, "preemptionPolicy"),
    ),
)
