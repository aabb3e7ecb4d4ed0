"""SPDY/3.1 for the server's side, without input or output: bytes in, events out, bytes out.

    data frame     0 | stream 31 | flags 8 | length 24 | …
    control frame  1 | version 15 | type 16 | flags 8 | length 24 | …

The client opens streams (odd numbers); `reply` accepts one. Either side may end its direction (FIN) while the other
goes on. kubectl's library (moby/spdystream) neither honours nor sends window updates: so we tell the peer how much we
took of its data, in case it counts, and let TCP alone push back against what we send.
Source: the SPDY/3.1 specification.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from apiserver.streams.spdy_headers import BadHeaders, HeaderCodec

VERSION = 3
CONTROL = 0x8000
FIN = 0x01
UNIDIRECTIONAL = 0x02
STREAM_MASK = 0x7FFF_FFFF
HEAD_BYTES = 8
MOST_FRAME_BYTES = 1 << 24
CHUNK_BYTES = 256 * 1024  # of one data frame that we write

_CONTROL = struct.Struct(">HH")
_WORD = struct.Struct(">I")
_TWO_WORDS = struct.Struct(">II")


class Type(IntEnum):
    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Reset(IntEnum):
    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    CANCEL = 5
    STREAM_ALREADY_CLOSED = 9


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1: the connection must end."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer wants a stream; `ended`: it will send nothing on it."""

    stream: int
    headers: dict[str, str]
    ended: bool


@dataclass(frozen=True, slots=True)
class Data:
    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class WasReset:
    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The peer will open no more streams."""


Event = Opened | Data | WasReset | GoneAway


class SpdyConnection:
    def __init__(self) -> None:
        self._in = bytearray()
        self._out: list[bytes] = []
        self._codec = HeaderCodec()
        self._open_remote: set[int] = set()  # the peer may still send on these
        self._open_local: set[int] = set()  # we may still send on these
        self._last = 0

    def take(self) -> bytes:
        """What is to be written to the peer, once."""
        pieces, self._out = self._out, []
        return b"".join(pieces)

    def receive(self, data: bytes) -> list[Event]:
        """Raises SpdyError."""
        self._in += data
        events: list[Event] = []
        at = 0
        while len(self._in) - at >= HEAD_BYTES:
            first, second = _TWO_WORDS.unpack_from(self._in, at)
            length = second & 0xFF_FFFF
            if len(self._in) - at < HEAD_BYTES + length:
                break
            body = bytes(self._in[at + HEAD_BYTES : at + HEAD_BYTES + length])
            at += HEAD_BYTES + length
            flags = second >> 24
            event = self._control(first, flags, body) if first >> 31 else self._data(first, flags, body)
            if event is not None:
                events.append(event)
        del self._in[:at]
        return events

    # What the server does.

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> None:
        """Accept a stream that the peer opened."""
        self._frame(Type.SYN_REPLY, 0, _WORD.pack(stream) + self._codec.encode(headers or {}))

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Data of a stream, in frames of at most CHUNK_BYTES; nothing on a stream that is over."""
        if stream not in self._open_local:
            return
        for at in range(0, max(len(data), 1), CHUNK_BYTES):
            chunk = data[at : at + CHUNK_BYTES]
            last = end and at + CHUNK_BYTES >= len(data)
            if chunk or last:
                self._out += (_TWO_WORDS.pack(stream, (FIN if last else 0) << 24 | len(chunk)), chunk)
        if end:
            self._open_local.discard(stream)

    def reset(self, stream: int, status: Reset = Reset.CANCEL) -> None:
        self._forget(stream)
        self._frame(Type.RST_STREAM, 0, _TWO_WORDS.pack(stream, status))

    def go_away(self) -> None:
        self._frame(Type.GOAWAY, 0, _TWO_WORDS.pack(self._last, 0))

    def took(self, stream: int, count: int) -> None:
        """Tell the peer that `count` bytes of its data are consumed."""
        if stream in self._open_remote and count:
            self._frame(Type.WINDOW_UPDATE, 0, _TWO_WORDS.pack(stream, count))
            self._frame(Type.WINDOW_UPDATE, 0, _TWO_WORDS.pack(0, count))

    # What the peer said.

    def _data(self, stream: int, flags: int, body: bytes) -> Event | None:
        if stream not in self._open_remote:
            if stream > self._last:
                self.reset(stream, Reset.INVALID_STREAM)
            return None
        if flags & FIN:
            self._open_remote.discard(stream)
        return Data(stream, body, bool(flags & FIN))

    def _control(self, first: int, flags: int, body: bytes) -> Event | None:
        version, kind = (first >> 16) & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"SPDY version {version} is not spoken here")
        try:
            return self._known(kind, flags, body)
        except (struct.error, BadHeaders) as wrong:
            raise SpdyError(str(wrong)) from wrong

    def _known(self, kind: int, flags: int, body: bytes) -> Event | None:
        match kind:
            case Type.SYN_STREAM:
                return self._opened(flags, body)
            case Type.SYN_REPLY | Type.HEADERS:
                self._codec.decode(body[4:])  # keeps the decompressor in step
            case Type.RST_STREAM:
                stream, status = _TWO_WORDS.unpack_from(body)
                self._forget(stream & STREAM_MASK)
                return WasReset(stream & STREAM_MASK, status)
            case Type.PING:
                (number,) = _WORD.unpack_from(body)
                if number % 2:
                    self._frame(Type.PING, 0, body[:4])
            case Type.GOAWAY:
                return GoneAway()
        return None  # settings, window updates and what nobody knows

    def _opened(self, flags: int, body: bytes) -> Event | None:
        stream = _WORD.unpack_from(body)[0] & STREAM_MASK
        headers = self._codec.decode(body[10:])
        if stream % 2 == 0 or stream <= self._last:
            self.reset(stream, Reset.PROTOCOL_ERROR)
            return None
        self._last = stream
        if not flags & FIN:
            self._open_remote.add(stream)
        if not flags & UNIDIRECTIONAL:
            self._open_local.add(stream)
        return Opened(stream, headers, bool(flags & FIN))

    def _forget(self, stream: int) -> None:
        self._open_remote.discard(stream)
        self._open_local.discard(stream)

    def _frame(self, kind: Type, flags: int, body: bytes) -> None:
        self._out += (_CONTROL.pack(CONTROL | VERSION, kind), _WORD.pack(flags << 24 | len(body)), body)
