"""Ranges of addresses, and addresses that are right but not written in the one canonical way.

Source: k8s.io/apimachinery/pkg/util/validation/ip.go.
"""

import ipaddress
import re
from collections.abc import Sequence

from apiserver.kinds.pod.dns import loose_address, validate_address
from podling.api import field
from podling.api.field import ErrorList, Path, show

_DIGITS = re.compile("[0-9]+")


def validate_cidr(text: str, path: Path) -> ErrorList:
    """Source: IsValidCIDRForLegacyField, strict."""
    address, slash, length = text.partition("/")
    found = loose_address(address)
    if found is None or not slash or not _DIGITS.fullmatch(length) or int(length) > found.max_prefixlen:
        return [field.invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    plain = validate_address(address, path)
    if (plain and found.version == 4) or (len(length) > 1 and length[0] == "0"):
        return [field.invalid(path, text, "must not have leading 0s in IP or prefix length")]
    if plain:
        return [field.invalid(path, text, "must not have an IPv4-mapped IPv6 address")]
    if ipaddress.ip_network(text, strict=False).network_address != found:
        return [field.invalid(path, text, "must not have bits set beyond the prefix length")]
    return []


def warn_address(text: str, path: Path) -> Sequence[str]:
    """Of a valid address. Source: GetWarningsForIP."""
    found = loose_address(text)
    return _warn("address", text, str(found), path) if found is not None else ()


def warn_cidr(text: str, path: Path) -> Sequence[str]:
    """Of a valid range. Source: GetWarningsForCIDR."""
    try:
        return _warn("CIDR value", text, str(ipaddress.ip_network(text)), path)
    except ValueError:
        return ()


def _warn(noun: str, text: str, canonical: str, path: Path) -> Sequence[str]:
    """An IPv4 address can be written in one way only."""
    if ":" not in text or text == canonical:
        return ()
    return (f"{path}: IPv6 {noun} {show(text)} should be in RFC 5952 canonical format ({show(canonical)})",)
