"""SPDY/3.1 frames: what comes in as events, what goes out as bytes."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.streams.spdy import CHUNK_BYTES, Data, Event, GoneAway, Opened, SpdyConnection, SpdyError, WasReset
from apiserver.streams.spdy_headers import DICTIONARY, BadHeaders, HeaderCodec

FIN = 1


def control(kind: int, body: bytes, flags: int = 0, version: int = 3) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(body)) + body


def data(stream: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack(">II", stream, flags << 24 | len(body)) + body


class Client:
    """The other side: writes frames, and reads ours."""

    def __init__(self) -> None:
        self.codec = HeaderCodec()

    def open(self, stream: int, flags: int = 0, **headers: str) -> bytes:
        return control(1, struct.pack(">IIH", stream, 0, 0) + self.codec.encode(headers), flags)


def frames(out: bytes) -> list[tuple[int, int, bytes]]:
    """(type or 0 for data, flags, body) of what we wrote."""
    found = []
    while out:
        first, second = struct.unpack_from(">II", out)
        length = second & 0xFFFFFF
        kind = first & 0xFFFF if first >> 31 else 0
        found.append((kind, second >> 24, out[8 : 8 + length]))
        out = out[8 + length :]
    return found


def test_the_dictionary_is_the_one_of_the_specification() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_headers_of_several_blocks_share_one_state() -> None:
    ours, theirs = HeaderCodec(), HeaderCodec()
    for headers in ({"streamtype": "error"}, {"streamtype": "stdin", "port": "80"}, {}, {"x": "ä"}):
        assert theirs.decode(ours.encode(headers)) == headers


def test_names_are_lower_case_and_the_first_of_several_values_counts() -> None:
    assert HeaderCodec().decode(HeaderCodec().encode({"StreamType": "a\0b"})) == {"streamtype": "a"}


@pytest.mark.parametrize("block", [b"no deflate", b""])
def test_a_block_that_cannot_be_read_is_an_error(block: bytes) -> None:
    with pytest.raises(BadHeaders):
        HeaderCodec().decode(block)


def test_a_block_that_inflates_without_end_is_an_error() -> None:
    with pytest.raises(BadHeaders, match="too large"):
        HeaderCodec().decode(HeaderCodec().encode({"a": "x" * 100_000}))


def test_streams_open_carry_data_and_end() -> None:
    client, server = Client(), SpdyConnection()
    sent = (
        client.open(1, streamType="error")
        + client.open(3, FIN, streamType="stdin")
        + data(1, b"abc")
        + data(1, b"", FIN)
    )
    assert server.receive(sent) == [
        Opened(1, {"streamtype": "error"}, False),
        Opened(3, {"streamtype": "stdin"}, True),
        Data(1, b"abc", False),
        Data(1, b"", True),
    ]


@given(st.integers(1, 7), st.binary(max_size=200))
def test_frames_may_come_in_any_pieces(size: int, payload: bytes) -> None:
    client, server = Client(), SpdyConnection()
    sent = client.open(1, a="b") + data(1, payload) + control(7, bytes(8))
    events: list[Event] = []
    for at in range(0, len(sent), size):
        events += server.receive(sent[at : at + size])
    assert events == [Opened(1, {"a": "b"}, False), Data(1, payload, False), GoneAway()]


def test_replies_data_and_ends_are_written() -> None:
    client, server = Client(), SpdyConnection()
    server.receive(client.open(1))
    server.reply(1)
    server.send(1, b"x" * (CHUNK_BYTES + 1), end=True)
    server.send(1, b"after the end")
    (reply, first, last) = frames(server.take())
    assert (reply[0], reply[2][:4]) == (2, struct.pack(">I", 1))
    assert client.codec.decode(reply[2][4:]) == {}
    assert [(flags, len(body)) for _, flags, body in (first, last)] == [(0, CHUNK_BYTES), (FIN, 1)]
    assert server.take() == b""


def test_an_end_without_data_is_one_empty_frame() -> None:
    client, server = Client(), SpdyConnection()
    server.receive(client.open(1))
    server.send(1, b"")
    server.send(1, b"", end=True)
    assert frames(server.take()) == [(0, FIN, b"")]


def test_pings_of_the_client_are_answered_and_our_own_are_not() -> None:
    server = SpdyConnection()
    server.receive(control(6, struct.pack(">I", 7)) + control(6, struct.pack(">I", 8)))
    assert frames(server.take()) == [(6, 0, struct.pack(">I", 7))]


def test_a_reset_ends_both_directions() -> None:
    client, server = Client(), SpdyConnection()
    assert server.receive(client.open(1) + control(3, struct.pack(">II", 1, 5)) + data(1, b"late"))[1:] == [
        WasReset(1, 5)
    ]
    server.send(1, b"nobody listens")
    assert server.take() == b""


def test_consumed_data_opens_the_window_of_stream_and_connection() -> None:
    client, server = Client(), SpdyConnection()
    server.receive(client.open(1) + data(1, b"abc"))
    server.took(1, 3)
    assert frames(server.take()) == [(9, 0, struct.pack(">II", 1, 3)), (9, 0, struct.pack(">II", 0, 3))]


def test_data_of_a_stream_that_was_never_opened_is_refused() -> None:
    server = SpdyConnection()
    assert server.receive(data(5, b"x")) == []
    assert frames(server.take()) == [(3, 0, struct.pack(">II", 5, 2))]


@pytest.mark.parametrize("stream", [2, 1])
def test_a_stream_number_of_ours_or_used_before_is_refused(stream: int) -> None:
    client, server = Client(), SpdyConnection()
    server.receive(client.open(1))
    assert server.receive(client.open(stream)) == []
    assert frames(server.take()) == [(3, 0, struct.pack(">II", stream, 1))]


def test_settings_windows_replies_and_unknown_frames_are_passed_over() -> None:
    client, server = Client(), SpdyConnection()
    reply = control(2, struct.pack(">I", 2) + client.codec.encode({"a": "b"}))
    sent = control(4, bytes(12)) + control(9, bytes(8)) + reply + control(99, b"?") + client.open(1, c="d")
    assert server.receive(sent) == [Opened(1, {"c": "d"}, False)]


@pytest.mark.parametrize(
    "sent", [control(1, bytes(10), version=2), control(1, b""), control(3, b"x"), control(1, bytes(10) + b"junk")]
)
def test_what_is_no_spdy_is_an_error(sent: bytes) -> None:
    with pytest.raises(SpdyError):
        SpdyConnection().receive(sent)
