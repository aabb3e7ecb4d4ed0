"""ServiceCIDR: a range that services get their addresses from. Source: kubernetes/pkg/apis/networking/validation."""

import ipaddress

from apiserver.kinds import columns
from apiserver.kinds.addresses import validate_cidr
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import status
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

CIDRS = SPEC.child("cidrs")
DEFAULT = "kubernetes"  # the object of the range that the API server was started with
ONE_A_FAMILY = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


def validate(obj: Object) -> ErrorList:
    cidrs = _cidrs(obj)
    shown = internal(spec_of(obj), "networking.v1.ServiceCIDRSpec")
    if not cidrs:
        return [field.required(CIDRS, "at least one CIDR required")]
    if len(cidrs) > 2:
        return [field.invalid(CIDRS, shown, "may only hold up to 2 values")]
    if len(cidrs) == 2 and {_family(cidr) for cidr in cidrs} != {4, 6}:
        return [field.invalid(CIDRS, shown, ONE_A_FAMILY)]
    return [error for place, cidr in enumerate(cidrs) for error in _validate_cidr(cidr, place)]


def _cidrs(obj: Object) -> list[str]:
    return spec_of(obj).get("cidrs") or []


def _family(cidr: str) -> int:
    try:
        return ipaddress.ip_network(cidr, strict=False).version
    except ValueError:
        return 0


def _validate_cidr(cidr: str, place: int) -> ErrorList:
    """A range, and nothing but the range: without bits beyond its prefix, in its shortest form."""
    path = CIDRS.index(place)
    if errors := validate_cidr(cidr, path):
        return errors
    canonical = str(ipaddress.ip_network(cidr, strict=False))
    if cidr != canonical:
        return [field.invalid(path, cidr, f"must be in canonical form ({field.show(canonical)})")]
    return []


def validate_update(new: Object, old: Object) -> ErrorList:
    """A range stays; one of the other family may join it."""
    now, was = _cidrs(new), _cidrs(old)
    if len(now) == len(was) or (len(now) == 2 and len(was) == 1):
        pairs = enumerate(zip(was, now, strict=False))
        return [field.invalid(CIDRS.index(place), here, IMMUTABLE) for place, (there, here) in pairs if here != there]
    return [field.invalid(CIDRS, now, IMMUTABLE)]


SERVICE_CIDR = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="ServiceCIDR",
    plural="servicecidrs",
    namespaced=False,
    schema=schema("networking.v1.ServiceCIDR"),
    validate=validate,
    validate_update=validate_update,
    subresources=(status(),),
    columns=(
        columns.NAME,
        Column(
            "CIDRs",
            "string",
            columns.documented("networking.v1.ServiceCIDRSpec", "cidrs"),
            lambda obj: ",".join(_cidrs(obj)),
        ),
        columns.AGE,
    ),
)
