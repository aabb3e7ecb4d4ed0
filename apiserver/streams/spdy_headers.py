"""SPDY/3.1 header blocks: name-value pairs, deflated with a dictionary that both sides know.

One compressor and one decompressor serve a whole connection: blocks must be written and read in the order in which
they travel. Source: the SPDY/3.1 specification, section 2.6.10.
"""

import struct
import zlib
from collections.abc import Mapping

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status"
)
_PHRASES = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
_LENGTH = struct.Struct(">I")

DICTIONARY = b"".join(_LENGTH.pack(len(word)) + word.encode() for word in (*_WORDS.split(), *_PHRASES)) + _TAIL.encode()
MOST_BYTES = 64 * 1024  # of one block, inflated


class BadHeaders(Exception):
    """A header block that cannot be read; the connection is lost, as the decompressor is."""


class HeaderCodec:
    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        block = _LENGTH.pack(len(headers))
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                block += _LENGTH.pack(len(text)) + text
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, data: bytes) -> dict[str, str]:
        """Names in lower case; of several values the first."""
        try:
            block = self._inflate.decompress(data, MOST_BYTES)
            if self._inflate.unconsumed_tail:
                raise BadHeaders("headers too large")
            return _pairs(block)
        except (zlib.error, struct.error, UnicodeDecodeError) as wrong:
            raise BadHeaders(str(wrong)) from wrong


def _pairs(block: bytes) -> dict[str, str]:
    (count,) = _LENGTH.unpack_from(block, 0)
    at = _LENGTH.size
    found: dict[str, str] = {}
    for _ in range(count):
        name, at = _text(block, at)
        value, at = _text(block, at)
        found.setdefault(name.lower(), value.split("\0")[0])
    return found


def _text(block: bytes, at: int) -> tuple[str, int]:
    (length,) = _LENGTH.unpack_from(block, at)
    start = at + _LENGTH.size
    if start + length > len(block):
        raise BadHeaders("a header block that ends too early")
    return block[start : start + length].decode(), start + length
