"""IPAddress: an address that is taken, and by whom. Source: kubernetes/pkg/apis/networking/validation."""

import ipaddress
import re

from apiserver.kinds import columns, names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

_LEADING = re.compile(r"(?<![0-9a-fA-F:])0+(?=[0-9]+(\.|$))")  # of a part of an IPv4 address
PARENT = SPEC.child("parentRef")


def validate_name(name: str) -> list[str]:
    """Only the canonical form names an address."""
    if _LEADING.search(name) and not validate_name(_LEADING.sub("", name)):
        return ["must not have leading 0s"]
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return ["must not be an IPv4-mapped IPv6 address"]
    canonical = str(found)
    return [] if name == canonical else [f"must be in canonical form ({field.show(canonical)})"]


def validate(obj: Object) -> ErrorList:
    parent = spec_of(obj).get("parentRef")
    if parent is None:
        return [field.required(PARENT)]
    group = parent.get("group", "")
    errors = names.each(PARENT.child("group"), group, names.subdomain(group)) if group else []
    for name in ("resource", "name", "namespace"):
        value, path = parent.get(name, ""), PARENT.child(name)
        if not value and name != "namespace":
            errors.append(field.required(path))
        errors += names.each(path, value, names.path_segment(value))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new).get("parentRef"), spec_of(old).get("parentRef")
    if now == was:
        return []
    return [field.invalid(PARENT, now and internal(now, "networking.v1.ParentReference"), IMMUTABLE)]


def _parent(obj: Object) -> str:
    """`services/default/kubernetes`"""
    found = spec_of(obj).get("parentRef")
    if not found:
        return columns.NONE
    resource = ".".join(filter(None, (found.get("resource", ""), found.get("group", ""))))
    return "/".join(filter(None, (resource.lower(), found.get("namespace", ""), found.get("name", ""))))


IP_ADDRESS = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IPAddress",
    plural="ipaddresses",
    short_names=("ip",),
    namespaced=False,
    schema=schema("networking.v1.IPAddress"),
    validate=validate,
    validate_name=validate_name,
    validate_update=validate_update,
    columns=(
        columns.NAME,
        Column("ParentRef", "string", columns.documented("networking.v1.IPAddressSpec", "parentRef"), _parent),
    ),
)
