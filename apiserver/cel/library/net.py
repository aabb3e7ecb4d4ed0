"""IP addresses and networks. Source: apiserver/pkg/cel/library/{ip,cidr}.go."""

import ipaddress
import re
from collections.abc import Callable

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import CIDR, IP, Opaque
from podling.api.field import show

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_LINK_LOCAL = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))
_BROADCAST = ipaddress.ip_address("255.255.255.255")


def _address(text: str) -> Address:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        why = f"ParseAddr({show(text)}): unable to parse IP"
        raise EvalError(f"IP Address {show(text)} parse error during conversion from string: {why}") from None
    if "%" in text:
        raise EvalError(f"IP address {show(text)} with zone value is not allowed")
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        raise EvalError(f"IPv4-mapped IPv6 address {show(text)} is not allowed")
    return found


def _interface(text: str) -> Interface:
    try:
        if not re.fullmatch(r"[0-9a-fA-F.:]+/(0|[1-9]\d*)", text):
            raise ValueError
        found = ipaddress.ip_interface(text)
    except ValueError:
        words = "network address parse error during conversion from string: "
        raise EvalError(f"{words}{words}netip.ParsePrefix({show(text)}): unable to parse IP") from None
    if isinstance(found, ipaddress.IPv6Interface) and found.ip.ipv4_mapped:
        words = "network address parse error during conversion from string: "
        raise EvalError(f"{words}IPv4-mapped IPv6 address {show(text)} is not allowed")
    return found


def _is(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except EvalError:
            return False
        return True

    return check


def _ip(found: Address) -> Opaque:
    return Opaque(IP.name, str(found))


def _cidr(found: Interface | ipaddress.IPv4Network | ipaddress.IPv6Network) -> Opaque:
    return Opaque(CIDR.name, str(found))


def _ask(question: Callable[[Address], bool]) -> Callable[[Opaque], bool]:
    return lambda value: question(ipaddress.ip_address(value.text))


def _is_global_unicast(ip: Address) -> bool:
    return not (ip == _BROADCAST or ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local)


def _text(value: Opaque | str) -> str:
    return value if isinstance(value, str) else value.text


def _contains_ip(network: Opaque, ip: Opaque | str) -> bool:
    return _address(_text(ip)) in ipaddress.ip_interface(network.text).network


def _contains_cidr(network: Opaque, other: Opaque | str) -> bool:
    outer, inner = ipaddress.ip_interface(network.text).network, _interface(_text(other))
    return inner.ip in outer and inner.network.prefixlen >= outer.prefixlen


FUNCTIONS: tuple[Function, ...] = (
    function("ip(string) -> IP", lambda text: _ip(_address(text))),
    function("isIP(string) -> bool", _is(_address)),
    function("ip.isCanonical(string) -> bool", lambda text: str(_address(text)) == text),
    function("IP.family() -> int", lambda value: ipaddress.ip_address(value.text).version),
    function("IP.isUnspecified() -> bool", _ask(lambda ip: ip.is_unspecified)),
    function("IP.isLoopback() -> bool", _ask(lambda ip: ip.is_loopback)),
    function("IP.isLinkLocalMulticast() -> bool", _ask(lambda ip: any(ip in each for each in _LINK_LOCAL))),
    function("IP.isLinkLocalUnicast() -> bool", _ask(lambda ip: ip.is_link_local)),
    function("IP.isGlobalUnicast() -> bool", _ask(_is_global_unicast)),
    function("string(IP) -> string", _text),
    function("cidr(string) -> CIDR", lambda text: _cidr(_interface(text))),
    function("isCIDR(string) -> bool", _is(_interface)),
    function("CIDR.containsIP(string) -> bool", _contains_ip),
    function("CIDR.containsIP(IP) -> bool", _contains_ip),
    function("CIDR.containsCIDR(string) -> bool", _contains_cidr),
    function("CIDR.containsCIDR(CIDR) -> bool", _contains_cidr),
    function("CIDR.ip() -> IP", lambda value: _ip(ipaddress.ip_interface(value.text).ip)),
    function("CIDR.masked() -> CIDR", lambda value: _cidr(ipaddress.ip_interface(value.text).network)),
    function("CIDR.prefixLength() -> int", lambda value: ipaddress.ip_interface(value.text).network.prefixlen),
    function("string(CIDR) -> string", _text),
)
