"""The formats of strings that Kubernetes checks; all others are taken as words without meaning.

Source: k8s.io/kube-openapi/pkg/validation/strfmt, and the list in apiextensions-apiserver's validation/formats.go.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from email.utils import parseaddr
from urllib.parse import urlsplit

from apiserver.kinds import names
from apiserver.schema.scalars import quantity_text
from podling.api.quantity import QuantityError

_GO_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_DURATION = re.compile(r"(\d+)\s*([A-Za-zµ]+)")
_UNITS = ("ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "hr", "wk")
_UNIT_STARTS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(.\d+)?(z|[+-]\d\d:\d\d)")
_HEX = "[0-9a-f]"
_CARD = re.compile(
    r"4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11}"
)
_BYTE = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")
_COLOUR = r"(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])"


def known(name: str) -> Callable[[str], bool] | None:
    """The check of a format, None where Kubernetes has none. Dashes in its name do not count."""
    return _FORMATS.get(name.replace("-", ""))


def _date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _date_time(text: str) -> bool:
    day, found, clock = text.lower().partition("t")
    parts = _TIME.fullmatch(clock) if found and _date(day) else None
    return parts is not None and parts[1] <= "23" and parts[2] <= "59" and parts[3] <= "59"


def _duration(text: str) -> bool:
    if _GO_DURATION.fullmatch(text):
        return True
    units = [unit.lower() for _, unit in _DURATION.findall(text)]
    return any(unit in _UNITS or unit.startswith(_UNIT_STARTS) for unit in units)


def _hostname(text: str) -> bool:
    parts = text.split(".")
    if not text or len(text.encode()) > 255 or any(not part or len(part.encode()) > 63 for part in parts):
        return False
    if any(part[0] == "-" or part[-1] == "-" or "_" in part for part in parts):
        return False
    whole = all(char.isalnum() or char == "-" or ord(char) > 127 for part in parts for char in part)
    return whole and (len(parts) == 1 or (len(parts[-1]) > 1 and parts[-1].isalpha()))


def _address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version and "%" not in text
        except ValueError:
            return False

    return check


def _cidr(text: str) -> bool:
    try:
        return "/" in text and text.rpartition("/")[2].isdigit() and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def _uri(text: str) -> bool:
    """An absolute URI or an absolute path, as net/url.ParseRequestURI reads it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return not any(ord(char) <= 32 or ord(char) == 127 for char in text) and (
        text.startswith("/") or bool(parts.scheme and text[len(parts.scheme) :].startswith(":"))
    )


def _email(text: str) -> bool:
    address = parseaddr(text)[1]
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and not any(char.isspace() for char in address)


def _mac(text: str) -> bool:
    for separator, size in ((":", 2), ("-", 2), (".", 4)):
        parts = text.split(separator)
        if len(parts) * size in (12, 16, 40) and all(re.fullmatch(f"[0-9a-fA-F]{{{size}}}", part) for part in parts):
            return True
    return False


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    return sum(place * (10 if digit == "X" else int(digit)) for place, digit in enumerate(digits, 1)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return bool(_CARD.fullmatch(digits)) and sum(each - 9 * (each > 9) for each in doubled) % 10 == 0


def _quantity(text: str) -> bool:
    try:
        return bool(quantity_text(text))
    except QuantityError:
        return False


def _form(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: bool(compiled.fullmatch(text))


def _uuid(third: str = _HEX, fourth: str = _HEX) -> Callable[[str], bool]:
    return _form(f"(?i){_HEX}{{8}}-?{_HEX}{{4}}-?{third}{_HEX}{{3}}-?{fourth}{_HEX}{{3}}-?{_HEX}{{12}}")


_FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _form("[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _email,
    "hostname": _hostname,
    "ipv4": _address(4),
    "ipv6": _address(6),
    "cidr": _cidr,
    "mac": _mac,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _card,
    "ssn": _form(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _form("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _form(rf"rgb\(\s*{_COLOUR}\s*,\s*{_COLOUR}\s*,\s*{_COLOUR}\s*\)"),
    "byte": lambda text: bool(_BYTE.fullmatch(text)),
    "password": lambda _: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "quantity": _quantity,
    "k8sshortname": lambda text: not names.label(text),
    "k8slongname": lambda text: not names.subdomain(text),
}
