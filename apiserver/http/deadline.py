"""How long a request may take: what `?timeout=` asks for, a minute at most. Pure.

Source: k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go; Go's time.ParseDuration.
"""

import re
from collections.abc import Mapping

from podling.api.errors import BadRequest
from podling.api.field import show

MOST_SECONDS = 60.0
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")


def seconds(options: Mapping[str, str]) -> float:
    """Raises `BadRequest`."""
    text = options.get("timeout", "")
    if not text:
        return MOST_SECONDS
    try:
        wanted = parse(text)
    except ValueError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from None
    return wanted if 0 < wanted < MOST_SECONDS else MOST_SECONDS


def parse(text: str) -> float:
    """Seconds of `1m30s`; raises ValueError in Go's words."""
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None:
            break
        number, unit = part.groups()
        if not unit:
            raise ValueError(f"time: missing unit in duration {show(text)}")
        if unit not in UNITS:
            raise ValueError(f"time: unknown unit {show(unit)} in duration {show(text)}")
        total, at = total + float(number) * UNITS[unit], part.end()
    if not rest or at < len(rest):
        raise ValueError(f"time: invalid duration {show(text)}")
    return sign * total
