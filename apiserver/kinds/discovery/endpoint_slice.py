"""EndpointSlice."""

import ipaddress
from collections.abc import Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.addresses import warn_address
from apiserver.kinds.endpoints import validate_reachable
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.pod.ports import PROTOCOLS
from apiserver.kinds.workload import IMMUTABLE
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("FQDN", "IPv4", "IPv6")
MOST_ENDPOINTS, MOST_PORTS, MOST_ADDRESSES, MOST_HINTS = 1000, 20000, 100, 8
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
TYPE, PORTS, ENDPOINTS = Path("addressType"), Path("ports"), Path("endpoints")


def default(obj: Object) -> None:
    for port in obj.get("ports") or ():
        port["name"] = port.get("name") or ""
        port["protocol"] = port.get("protocol") or "TCP"


def validate(obj: Object) -> ErrorList:
    kind = obj.get("addressType", "")
    errors: ErrorList = []
    if not kind:
        errors.append(field.required(TYPE))
    elif kind not in TYPES:
        errors.append(field.not_supported(TYPE, kind, TYPES))
    return errors + _ports(obj) + _endpoints(obj, kind)


def _ports(obj: Object) -> ErrorList:
    ports = obj.get("ports") or ()
    if len(ports) > MOST_PORTS:
        return [field.too_many(PORTS, len(ports), MOST_PORTS)]
    errors: ErrorList = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        path, name = PORTS.index(position), port.get("name") or ""
        if name:
            errors += names.each(path.child("name"), name, names.label(name))
        if name in seen:
            errors.append(field.duplicate(path.child("name"), name))
        seen.add(name)
        protocol = port.get("protocol")
        if protocol is None:
            errors.append(field.required(path.child("protocol")))
        elif protocol not in PROTOCOLS:
            errors.append(field.not_supported(path.child("protocol"), protocol, PROTOCOLS))
        if port.get("appProtocol") is not None:
            errors += names.each(path.child("appProtocol"), port["appProtocol"], names.qualified(port["appProtocol"]))
    return errors


def _endpoints(obj: Object, kind: str) -> ErrorList:
    endpoints = obj.get("endpoints") or ()
    if len(endpoints) > MOST_ENDPOINTS:
        return [field.too_many(ENDPOINTS, len(endpoints), MOST_ENDPOINTS)]
    errors: ErrorList = []
    for position, endpoint in enumerate(endpoints):
        path = ENDPOINTS.index(position)
        errors += _addresses(endpoint.get("addresses") or (), kind, path.child("addresses"))
        if endpoint.get("nodeName") is not None:
            errors += names.each(path.child("nodeName"), endpoint["nodeName"], names.subdomain(endpoint["nodeName"]))
        if endpoint.get("hostname") is not None:
            errors += names.each(path.child("hostname"), endpoint["hostname"], names.label(endpoint["hostname"]))
        errors += _hints(endpoint.get("hints") or {}, path.child("hints"))
    return errors


def _addresses(addresses: list[str] | tuple[()], kind: str, path: Path) -> ErrorList:
    if not addresses:
        return [field.required(path, "must contain at least 1 address")]
    errors = [field.too_many(path, len(addresses), MOST_ADDRESSES)] if len(addresses) > MOST_ADDRESSES else []
    for position, address in enumerate(addresses):
        here = path.index(position)
        if kind == "FQDN":
            errors += names.fully_qualified(address.removesuffix("."), here, segments=2)
        elif kind in ("IPv4", "IPv6"):
            errors += _address(address, kind, path, here)
    return errors


def _address(address: str, kind: str, path: Path, here: Path) -> ErrorList:
    if errors := validate_address(address, here):
        return errors
    if ipaddress.ip_address(address).version != int(kind[-1]):
        article = "an IPv4" if kind == "IPv4" else "an IPv6"
        return [field.invalid(path, address, f"must be {article} address")]
    return validate_reachable(address, here)


def _hints(hints: Object, path: Path) -> ErrorList:
    """Who an endpoint is for."""
    errors: ErrorList = []
    for kind, check in (("forZones", names.label_value), ("forNodes", names.subdomain)):
        found, here = hints.get(kind) or (), path.child(kind)
        if len(found) > MOST_HINTS:
            errors.append(field.too_many(here, len(found), MOST_HINTS))
            continue
        seen: set[str] = set()
        for position, each in enumerate(found):
            name, place = each.get("name", ""), here.index(position).child("name")
            if name in seen:
                errors.append(field.duplicate(place, name))
            seen.add(name)
            errors += names.each(place, name, check(name))
    return errors


def _drop_topology(obj: Object) -> None:
    """v1beta1 had it."""
    for endpoint in obj.get("endpoints") or ():
        endpoint.pop("deprecatedTopology", None)


def warn(obj: Object) -> Sequence[str]:
    """Those of controllers are right."""
    if obj.get("addressType") == "FQDN":
        return ("spec.addressType: FQDN endpoints are deprecated",)
    if (obj["metadata"].get("labels") or {}).get(MANAGED_BY) in CONTROLLERS:
        return ()
    return [
        words
        for position, endpoint in enumerate(obj.get("endpoints") or ())
        for place, address in enumerate(endpoint.get("addresses") or ())
        for words in warn_address(address, ENDPOINTS.index(position).child("addresses").index(place))
    ]


def validate_update(new: Object, old: Object) -> ErrorList:
    kind = new.get("addressType")
    return [] if kind == old.get("addressType") else [field.invalid(TYPE, kind, IMMUTABLE)]


def _few(items: list[str]) -> str:
    return columns.few(items) or columns.UNSET


def _port_text(port: Object) -> str:
    """Its number, else its name."""
    return str(port["port"] if port.get("port") is not None else port.get("name", "*"))


_TYPE = "discovery.v1.EndpointSlice"
ENDPOINT_SLICE = Kind(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    schema=schema(_TYPE),
    default=default,
    validate=validate,
    validate_update=validate_update,
    prepare_create=_drop_topology,
    prepare_update=lambda new, _old: _drop_topology(new),
    warn=warn,
    generation=("endpoints", "ports", "addressType", "metadata.labels"),
    columns=(
        columns.NAME,
        columns.shown("AddressType", _TYPE, "addressType"),
        Column(
            "Ports",
            "string",
            columns.documented(_TYPE, "ports"),
            lambda obj: _few([_port_text(port) for port in obj.get("ports") or ()]),
        ),
        Column(
            "Endpoints",
            "string",
            columns.documented(_TYPE, "endpoints"),
            lambda obj: _few([one for each in obj.get("endpoints") or () for one in each.get("addresses") or ()]),
        ),
        columns.AGE,
    ),
)
