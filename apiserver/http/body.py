"""The body of a request: read as it comes, and refused as soon as it is known to be too large or too deep.

Go's decoder takes ten thousand levels; Python's stack does not, and nobody's object has as many as we take.
"""

import re
from itertools import accumulate

from aiohttp.web import RequestPayloadError
from aiohttp.web_request import BaseRequest

from podling.api.errors import BadRequest, TooLarge

BODY_BYTES = 3 * 1024 * 1024
JSON_DEPTH = 256
DEPTH_WORDS = "exceeded max depth"

_BRACKETS = bytes(each for each in range(256) if each not in b'[]{}"')
_STRING = re.compile(rb'"[^"]*"?')
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


async def read(http: BaseRequest) -> bytes:
    """Raises `TooLarge` as soon as it is known."""
    if (http.content_length or 0) > BODY_BYTES:
        raise _too_large()
    if http.headers.get("Expect", "").lower() == "100-continue":
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    found = bytearray()
    try:
        async for chunk in http.content.iter_any():
            found += chunk
            if len(found) > BODY_BYTES:
                raise _too_large()
    except RequestPayloadError as error:
        raise BadRequest(f"the body is not what its Content-Encoding says: {error}") from None
    return bytes(found)


def _too_large() -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {BODY_BYTES}")


def check_depth(body: bytes) -> None:
    """Raises `BadRequest` for JSON (or YAML in its flow style) in which more than `JSON_DEPTH` brackets are open."""
    if depth(body) > JSON_DEPTH:
        raise BadRequest(f"json: {DEPTH_WORDS} of {JSON_DEPTH}")


def depth(body: bytes) -> int:
    """How many brackets are open at once, at most. Small bodies are only counted."""
    opened = body.count(b"{") + body.count(b"[")
    if opened <= JSON_DEPTH:
        return opened
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = _STRING.sub(b"", body.translate(None, _BRACKETS))
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
