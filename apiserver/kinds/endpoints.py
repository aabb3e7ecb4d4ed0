"""Endpoints, which EndpointSlices replaced. Source: kubernetes/pkg/apis/core/validation.ValidateEndpoints."""

import ipaddress
from collections.abc import Iterator

from apiserver.kinds import columns, names
from apiserver.kinds.addresses import warn_address
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.dns import loose_address, validate_address
from apiserver.kinds.pod.ports import PROTOCOLS, number
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
ADDRESSES = ("addresses", "notReadyAddresses")
# Ranges in which no endpoint can be, in Kubernetes' order.
RANGES = (
    ("is_unspecified", "may not be unspecified (0.0.0.0 or ::)"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("in_link_local_multicast", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
)
MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))


def default(obj: Object) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    for position, subset in enumerate(obj.get("subsets") or ()):
        path = Path("subsets").index(position)
        if not any(subset.get(part) for part in ADDRESSES):
            errors.append(field.required(path, "must specify `addresses` or `notReadyAddresses`"))
        for part in ADDRESSES:
            for place, address in enumerate(subset.get(part) or ()):
                errors += _address(address, path.child(part).index(place))
        ports = subset.get("ports") or ()
        for place, port in enumerate(ports):
            errors += _port(port, len(ports) > 1, path.child("ports").index(place))
    return errors


def _address(address: Object, path: Path) -> ErrorList:
    text = address.get("ip", "")
    errors = validate_address(text, path.child("ip"))
    if address.get("hostname"):
        errors += names.each(path.child("hostname"), address["hostname"], names.label(address["hostname"]))
    if address.get("nodeName") is not None:
        errors += names.each(path.child("nodeName"), address["nodeName"], names.subdomain(address["nodeName"]))
    return errors + validate_reachable(text, path.child("ip"))


def validate_reachable(text: str, path: Path) -> ErrorList:
    """Nobody but the machine itself is reached at these addresses. Source: ValidateNonSpecialIP."""
    found = loose_address(text)
    if found is None:
        return [field.invalid(path, text, "must be a valid IP address")]
    holds = {
        "is_unspecified": found.is_unspecified,
        "is_loopback": found.is_loopback,
        "is_link_local": found.is_link_local,
        "in_link_local_multicast": any(found in network for network in MULTICAST if network.version == found.version),
    }
    return [field.invalid(path, text, words) for name, words in RANGES if holds[name]]


def _port(port: Object, needs_name: bool, path: Path) -> ErrorList:
    name, protocol = port.get("name", ""), port.get("protocol", "")
    errors: ErrorList = []
    if name:
        errors += names.each(path.child("name"), name, names.label(name))
    elif needs_name:
        errors.append(field.required(path.child("name")))
    errors += number(port.get("port", 0), path.child("port"))
    if not protocol:
        errors.append(field.required(path.child("protocol")))
    elif protocol not in PROTOCOLS:
        errors.append(field.not_supported(path.child("protocol"), protocol, PROTOCOLS))
    if port.get("appProtocol") is not None:
        errors += names.each(path.child("appProtocol"), port["appProtocol"], names.qualified(port["appProtocol"]))
    return errors


def warn(obj: Object) -> list[str]:
    """The controller's own are right."""
    if (obj["metadata"].get("labels") or {}).get(MANAGED_BY) == "endpoint-controller":
        return []
    return [
        words
        for position, subset in enumerate(obj.get("subsets") or ())
        for part in ADDRESSES
        for place, each in enumerate(subset.get(part) or ())
        for words in warn_address(each.get("ip", ""), Path(f"subsets[{position}].{part}[{place}].ip"))
    ]


def _shown(obj: Object) -> str:
    """`10.1.2.3:80,10.1.2.4:80 + 1 more...`"""
    return columns.few(list(_pairs(obj))) if obj.get("subsets") else columns.NONE


def _pairs(obj: Object) -> Iterator[str]:
    for subset in obj.get("subsets") or ():
        addresses = [each.get("ip", "") for each in subset.get("addresses") or ()]
        if not subset.get("ports"):
            yield from addresses
        for port in subset.get("ports") or ():
            for address in addresses:
                yield f"[{address}]:{port['port']}" if ":" in address else f"{address}:{port['port']}"


ENDPOINTS = Kind(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    singular="endpoints",
    short_names=("ep",),
    schema=schema("core.v1.Endpoints"),
    default=default,
    validate=validate,
    warn=warn,
    deprecated="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    create_on_update=True,
    columns=(
        columns.NAME,
        Column("Endpoints", "string", columns.documented("core.v1.Endpoints", "subsets"), _shown),
        columns.AGE,
    ),
)
