"""ResourceSlice: devices that a driver offers, on a node or on several.

Source: kubernetes/pkg/apis/resource/{v1/defaults.go,validation}.
"""

from collections.abc import Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.resource import identifiers
from apiserver.kinds.resource.device import validate_counters, validate_device, validate_selection
from apiserver.kinds.resource.lists import validate_set
from apiserver.kinds.workload import SPEC, immutable, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.meta import timestamp

MOST_DEVICES, MOST_ADVANCED, MOST_COUNTER_SETS = 128, 64, 8
SELECTION = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
ONE_OF = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def default(obj: Object) -> None:
    """Taints are timed."""
    for device in _devices(obj):
        for taint in device.get("taints") or ():
            taint["timeAdded"] = taint.get("timeAdded") or timestamp()


def _devices(obj: Object) -> list[Object]:
    return spec_of(obj).get("devices") or []


def validate(obj: Object) -> ErrorList:
    spec, devices = spec_of(obj), _devices(obj)
    errors = names.driver(spec.get("driver", ""), SPEC.child("driver"))
    errors += _pool(spec.get("pool") or {}, SPEC.child("pool")) + _nodes(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        errors.append(field.invalid(SPEC, "", "only one of `sharedCounters` or `devices` is allowed"))
    advanced = any(each.get("taints") or each.get("consumesCounters") for each in devices)

    def device(found: Object, path: Path) -> ErrorList:
        return validate_device(found, path, on_nodes=bool(spec.get("perDeviceNodeSelection")))

    most = MOST_ADVANCED if advanced else MOST_DEVICES
    errors += validate_set(devices, most, device, SPEC.child("devices"), _name)
    counters = SPEC.child("sharedCounters")
    return errors + validate_set(spec.get("sharedCounters"), MOST_COUNTER_SETS, _counters, counters, _name)


def _name(found: Object) -> str:
    return str(found.get("name", ""))


def _counters(found: Object, path: Path) -> ErrorList:
    return validate_counters(found, "name", path)


def _pool(pool: Object, path: Path) -> ErrorList:
    errors = identifiers.pool(pool.get("name", ""), path.child("name"))
    slices, generation = pool.get("resourceSliceCount", 0), pool.get("generation", 0)
    if slices <= 0:
        errors.append(field.invalid(path.child("resourceSliceCount"), slices, "must be greater than zero"))
    if generation < 0:
        words = "must be greater than or equal to zero"
        errors.append(field.invalid(path.child("generation"), generation, words))
    return errors


def _nodes(spec: Object) -> ErrorList:
    errors, given = validate_selection(spec, SPEC, SELECTION, "must be either unset or set to a non-empty string")
    terms = (spec.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    if spec.get("nodeSelector") is not None and len(terms) != 1:
        shown = [internal(each, "core.v1.NodeSelectorTerm") for each in terms]
        path = SPEC.child("nodeSelector", "nodeSelectorTerms")
        errors.append(field.invalid(path, shown, "must have exactly one node selector term"))
    if not given:
        errors.append(field.required(SPEC, ONE_OF))
    elif len(given) > 1:
        errors.append(field.invalid(SPEC, f"{{{', '.join(given)}}}", f"{ONE_OF}, but multiple fields are set"))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new), spec_of(old)
    pool, before = ((spec.get("pool") or {}).get("name") for spec in (now, was))
    return immutable(pool, before, SPEC.child("pool", "name")) + [
        error for name in ("driver", "nodeName") for error in immutable(now.get(name), was.get(name), SPEC.child(name))
    ]


def warn(obj: Object) -> Sequence[str]:
    driver = spec_of(obj).get("driver", "")
    if driver == driver.lower():
        return ()
    shown = field.show(driver)
    return (f"spec.driver: driver names should be lowercase; {shown} contains uppercase characters",)


_SPEC = "resource.v1.ResourceSliceSpec"
RESOURCE_SLICE = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    namespaced=False,
    schema=schema("resource.v1.ResourceSlice"),
    default=default,
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    generation=("spec",),
    returns_deleted=True,
    selectable=lambda obj: {f"spec.{name}": spec_of(obj).get(name) or "" for name in ("nodeName", "driver")},
    columns=(
        columns.NAME,
        columns.shown("Node", _SPEC, "spec.nodeName"),
        columns.shown("Driver", _SPEC, "spec.driver"),
        columns.shown("Pool", "resource.v1.ResourcePool", "spec.pool.name"),
        columns.AGE,
    ),
)
