"""NetworkPolicy."""

import ipaddress

from apiserver.kinds import columns, names
from apiserver.kinds.addresses import validate_cidr, warn_cidr
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod.ports import number, port_or_name
from apiserver.kinds.workload import SPEC, selector_text, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("Ingress", "Egress")
PROTOCOLS = ("TCP", "UDP", "SCTP")
DIRECTIONS = (("ingress", "from"), ("egress", "to"))


def default(obj: Object) -> None:
    """A policy is of ingress, and of egress where it has rules for that."""
    spec = obj.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for direction, _ in DIRECTIONS:
        for rule in spec.get(direction) or ():
            for port in rule.get("ports") or ():
                port["protocol"] = port.get("protocol") or "TCP"


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = names.selector(spec.get("podSelector"), SPEC.child("podSelector"))
    for direction, side in DIRECTIONS:
        for position, rule in enumerate(spec.get(direction) or ()):
            path = SPEC.child(direction).index(position)
            for place, port in enumerate(rule.get("ports") or ()):
                errors += _port(port, path.child("ports").index(place))
            for place, peer in enumerate(rule.get(side) or ()):
                errors += _peer(peer, path.child(side).index(place))
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        words = "may not specify more than two policyTypes"
        return [*errors, field.invalid(SPEC.child("policyTypes"), types, words)]
    for position, kind in enumerate(types):
        if kind not in TYPES:
            errors.append(field.not_supported(SPEC.child("policyTypes").index(position), kind, TYPES))
    return errors


def _port(port: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    protocol, first, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in PROTOCOLS:
        errors.append(field.not_supported(path.child("protocol"), protocol, PROTOCOLS))
    if first is not None:
        errors += port_or_name(first, path.child("port"))
    if end is None:
        return errors
    here = path.child("endPort")
    if first is None:
        errors.append(field.invalid(here, end, "may not be specified when `port` is not specified"))
    elif isinstance(first, str):
        errors.insert(0, field.invalid(here, end, "may not be specified when `port` is non-numeric"))
    else:
        if end < first:
            errors.append(field.invalid(here, first, "must be greater than or equal to `port`"))
        errors += number(end, here)
    return errors


def _peer(peer: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    count = 0
    for name in ("podSelector", "namespaceSelector"):
        if peer.get(name) is not None:
            count += 1
            errors += names.selector(peer[name], path.child(name))
    if peer.get("ipBlock") is not None:
        count += 1
        errors += _block(peer["ipBlock"], path.child("ipBlock"))
    if count == 0:
        errors.append(field.required(path, "must specify a peer"))
    elif count > 1 and peer.get("ipBlock") is not None:
        errors.append(field.forbidden(path, "may not specify both ipBlock and another peer"))
    return errors


def _block(block: Object, path: Path) -> ErrorList:
    cidr, here = block.get("cidr", ""), path.child("cidr")
    if not cidr:
        return [field.required(here)]
    errors = validate_cidr(cidr, here)
    if errors:
        return errors
    whole = ipaddress.ip_network(cidr, strict=False)
    for position, part in enumerate(block.get("except") or ()):
        here = path.child("except").index(position)
        if wrong := validate_cidr(part, here):
            errors += wrong
            continue
        excepted = ipaddress.ip_network(part, strict=False)
        inside = excepted.version == whole.version and excepted != whole and excepted.subnet_of(whole)  # type: ignore[arg-type]
        if not inside:
            errors.append(field.invalid(here, part, "must be a strict subset of `cidr`"))
    return errors


def warn(obj: Object) -> list[str]:
    spec = spec_of(obj)
    return [
        words
        for direction, side in DIRECTIONS
        for position, rule in enumerate(spec.get(direction) or ())
        for place, peer in enumerate(rule.get(side) or ())
        for words in _warn_block(peer.get("ipBlock") or {}, Path(f"spec.{direction}[{position}].{side}[{place}]"))
    ]


def _warn_block(block: Object, path: Path) -> list[str]:
    path = path.child("ipBlock")
    found = [*warn_cidr(block.get("cidr", ""), path.child("cidr"))]
    for place, part in enumerate(block.get("except") or ()):
        found += warn_cidr(part, path.child("except").index(place))
    return found


NETWORK_POLICY = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    short_names=("netpol",),
    schema=schema("networking.v1.NetworkPolicy"),
    default=default,
    validate=validate,
    warn=warn,
    generation=("spec",),
    columns=(
        columns.NAME,
        Column(
            "Pod-Selector",
            "string",
            columns.documented("networking.v1.NetworkPolicySpec", "podSelector"),
            lambda obj: selector_text(spec_of(obj).get("podSelector")),
        ),
        columns.AGE,
    ),
)
