"""Single values as Go's types read and write them: times, base64, quantities. Pure; errors are `ValueError`."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from podling.api import quantity

RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"

_QUANTITY = re.compile(r"[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)")
_ELEMENTS = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d?"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d"),
)
_LIMITS = (("month", 1, 12), ("day", 1, 31), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))


@lru_cache(maxsize=4096)  # an object's times come again with each of its writes
def time(text: str, *, micro: bool = False) -> str:
    """`2026-11-22T11:00:00Z` in UTC; with six decimals when micro."""
    layout = RFC3339_MICRO if micro else RFC3339
    found = _TIME.fullmatch(text)
    if not found or (micro and len(found[7] or "") != 7):
        raise ValueError(_time_error(text, layout))
    for (word, least, most), part in zip(_LIMITS, found.groups()[1:6], strict=True):
        if not least <= int(part) <= most:
            raise ValueError(f'parsing time "{text}": {word} out of range')
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if found[8] != "Z":
            offset = timedelta(hours=int(found[8][1:3]), minutes=int(found[8][4:6]))
            at = at - offset if found[8][0] == "+" else at + offset
    except (ValueError, OverflowError):
        raise ValueError(f'parsing time "{text}": day out of range') from None
    fraction = f".{(found[7] or '.')[1:7]:0<6}" if micro else ""
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0')}{fraction}Z"


def _time_error(text: str, layout: str) -> str:
    rest = text
    elements = (*_ELEMENTS, (".000000", r"\.\d{6}")) if layout == RFC3339_MICRO else _ELEMENTS
    for name, form in elements:
        found = re.match(form, rest)
        if not found:
            return f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{name}"'
        rest = rest[found.end() :]
    if layout == RFC3339:
        rest = re.sub(r"^[.,]\d+", "", rest)
    zone = re.match(r"Z|[+-]\d\d:\d\d", rest)
    if not zone:
        return f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "Z07:00"'
    return f'parsing time "{text}": extra text: "{rest[zone.end() :]}"'


def base64_text(text: str) -> str:
    """The same bytes, encoded as Go does: without line breaks."""
    clean = text.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(clean, validate=True)).decode()
    except (binascii.Error, ValueError):
        wrong = re.search(r"[^A-Za-z0-9+/]", clean)
        at = wrong.start() if wrong else len(clean) - len(clean) % 4
        if wrong and wrong[0] == "=" and len(clean) % 4:
            at = wrong.start() if wrong.start() % 4 < 2 else len(clean)
        raise ValueError(f"illegal base64 data at input byte {at}") from None


def quantity_text(value: object) -> str:
    """The canonical form. Raises `quantity.QuantityError`."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = value.strip() if isinstance(value, str) else str(getattr(value, "text", value))
    if not _QUANTITY.fullmatch(text):
        raise quantity.QuantityError(quantity.MALFORMED)
    return quantity.canonical(text)
