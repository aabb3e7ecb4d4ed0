"""ResourceClaim: devices wanted, and in its status those that it got.

Source: kubernetes/pkg/apis/resource/validation, pkg/registry/resource/resourceclaim/strategy.go.
"""

import ipaddress
from typing import Any

from apiserver.kinds import columns, names
from apiserver.kinds.conditions import validate_conditions
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.affinity import validate_node_selector
from apiserver.kinds.resource import identifiers
from apiserver.kinds.resource.claim_spec import (
    default_claim,
    request_names,
    validate_claim_spec,
    validate_reference,
    validate_references,
    validate_tolerations,
)
from apiserver.kinds.resource.lists import validate_list, validate_set
from apiserver.kinds.resource.selectors import MOST_CONFIGS, validate_config, validate_raw
from apiserver.kinds.resource.waiting import validate_binding_conditions
from apiserver.kinds.strategy import drop_status, keep_spec_and_metadata, keep_status, status
from apiserver.kinds.workload import IMMUTABLE, SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_CONSUMERS, MOST_RESULTS, MOST_CONDITIONS, MOST_ADDRESSES = 256, 32, 8, 16
MOST_INTERFACE, MOST_HARDWARE, MANY = 256, 128, 1 << 31
SOURCES = ("FromClaim", "FromClass")
_TYPE = "resource.v1.ResourceClaim"


def default(obj: Object) -> None:
    default_claim(spec_of(obj))


def validate(obj: Object) -> ErrorList:
    return validate_claim_spec(spec_of(obj), SPEC)


def validate_update(new: Object, old: Object) -> ErrorList:
    if spec_of(new) == spec_of(old):
        return []
    return [field.invalid(SPEC, internal(spec_of(new), f"{_TYPE}Spec"), IMMUTABLE)]


def _device(found: Object) -> tuple[str, ...]:
    return tuple(str(found.get(name, "")) for name in ("driver", "pool", "device"))


def _shared(found: Object) -> tuple[str, ...]:
    return (*_device(found), str(found.get("shareID") or ""))


def _results(obj: Object) -> list[Object]:
    return ((status_of(obj).get("allocation") or {}).get("devices") or {}).get("results") or []


def prepare_status(new: Object, old: Object) -> None:
    """What is told of a device goes with its allocation."""
    keep_spec_and_metadata(new, old)
    gone = {_device(each) for each in _results(old)} - {_device(each) for each in _results(new)}
    told = status_of(new).get("devices")
    if told and gone:
        kept = [each for each in told if _device(each) not in gone]
        new["status"] = {name: value for name, value in status_of(new).items() if name != "devices"}
        if kept:
            new["status"]["devices"] = kept


def validate_status(new: Object, old: Object) -> ErrorList:
    now, was = status_of(new), status_of(old)
    allocated = {_shared(each) for each in _results(new)}
    consumers, allocation, before = now.get("reservedFor") or [], now.get("allocation"), was.get("allocation")
    here = STATUS.child("reservedFor")

    def device(found: Object, path: Path) -> ErrorList:
        return _told(found, path, allocated)

    errors = validate_set(consumers, MOST_CONSUMERS, _consumer, here, lambda each: each.get("uid", ""))
    errors += validate_set(now.get("devices"), MANY, device, STATUS.child("devices"), _shared)
    if consumers and allocation is None:
        errors.append(field.forbidden(here, "may not be specified when `allocated` is not set"))
    elif new["metadata"].get("deletionTimestamp") and [each for each in consumers if each not in _consumers(old)]:
        words = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        errors.append(field.forbidden(here, words))
    path = STATUS.child("allocation")
    if allocation is not None and before is not None:
        shown = internal(allocation, "resource.v1.AllocationResult")
        return errors + ([] if allocation == before else [field.invalid(path, shown, IMMUTABLE)])
    return errors + (_allocation(allocation, path, request_names(spec_of(new))) if allocation else [])


def _consumers(obj: Object) -> list[Object]:
    return status_of(obj).get("reservedFor") or []


def _consumer(found: Object, path: Path) -> ErrorList:
    return [field.required(path.child(name)) for name in ("resource", "name", "uid") if not found.get(name)]


def _allocation(allocation: Object, path: Path, known: set[str]) -> ErrorList:
    def result(found: Object, here: Path) -> ErrorList:
        return _result(found, here, known)

    def config(found: Object, here: Path) -> ErrorList:
        source, errors = found.get("source", ""), []
        if not source:
            errors = [field.required(here.child("source"))]
        elif source not in SOURCES:
            errors = [field.not_supported(here.child("source"), source, SOURCES)]
        return errors + validate_references(found, here, known) + validate_config(found, here)

    devices, here = allocation.get("devices") or {}, path.child("devices")
    errors = validate_list(devices.get("results"), MOST_RESULTS, result, here.child("results"))
    errors += validate_list(devices.get("config"), 2 * MOST_CONFIGS, config, here.child("config"))
    selector = allocation.get("nodeSelector")
    return errors + ([] if selector is None else validate_node_selector(selector, path.child("nodeSelector")))


def _named(found: Object, path: Path) -> ErrorList:
    errors = names.driver(found.get("driver", ""), path.child("driver"))
    errors += identifiers.pool(found.get("pool", ""), path.child("pool"))
    return errors + identifiers.label(found.get("device", ""), path.child("device"))


def _result(found: Object, path: Path, known: set[str]) -> ErrorList:
    errors = validate_reference(found.get("request", ""), path.child("request"), known) + _named(found, path)
    errors += validate_binding_conditions(found, path)
    errors += validate_tolerations(found.get("tolerations"), path.child("tolerations"))
    shared = found.get("shareID")
    return errors + ([] if shared is None else identifiers.uid(shared, path.child("shareID")))


def _told(found: Object, path: Path, allocated: set[tuple[str, ...]]) -> ErrorList:
    """What a driver says of a device."""
    errors = _named(found, path)
    shared = found.get("shareID")
    if shared is not None:
        errors += identifiers.uid(shared, path.child("shareID"))
    if _shared(found) not in allocated:
        shown = "/".join(filter(None, _shared(found)))
        errors.append(field.invalid(path, shown, "must be an allocated device in the claim"))
    conditions = found.get("conditions") or []
    if len(conditions) > MOST_CONDITIONS:
        errors.append(field.too_many(path.child("conditions"), len(conditions), MOST_CONDITIONS))
    errors += validate_conditions(conditions, path.child("conditions"))
    if found.get("data") is not None:
        errors += validate_raw(found["data"], path.child("data"))
    return errors + _network(found.get("networkData") or {}, path.child("networkData"))


def _network(found: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for name, most in (("interfaceName", MOST_INTERFACE), ("hardwareAddress", MOST_HARDWARE)):
        if len(found.get(name, "").encode()) > most:
            errors.append(field.too_long(path.child(name), most))
    return errors + validate_set(found.get("ips"), MOST_ADDRESSES, _address, path.child("ips"))


def _address(text: str, path: Path) -> ErrorList:
    """An address with the length of its network: `10.9.8.7/24`."""
    try:
        if "/" in text and ipaddress.ip_interface(text):
            return []
    except ValueError:
        pass
    return [field.invalid(path, text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")]


def _state(obj: Object) -> Any:
    going, found = bool(obj["metadata"].get("deletionTimestamp")), status_of(obj)
    states = ["deleted"] if going else []
    if found.get("allocation") is None:
        states += [] if going else ["pending"]
    else:
        states += ["allocated", "reserved"] if found.get("reservedFor") else ["allocated"]
    return ",".join(states)


RESOURCE_CLAIM = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaim",
    plural="resourceclaims",
    schema=schema(_TYPE),
    default=default,
    prepare_create=drop_status(_TYPE),
    prepare_update=keep_status,
    validate_create=validate,  # the spec never changes
    validate_update=validate_update,
    returns_deleted=True,
    subresources=(status(validate_status, prepare_status),),
    columns=(
        columns.NAME,
        Column("State", "string", "A summary of the current state (allocated, pending, reserved, etc.).", _state),
        columns.AGE,
    ),
)
