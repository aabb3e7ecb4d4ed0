from hypothesis import given
from hypothesis import strategies as st

from kubelet.docker.frames import STDERR, STDOUT, Demultiplexer, Frame

FRAMES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=40)), max_size=12)


def encoded(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for stream, data in frames)


def of(stream: int, frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(data for each, data in frames if each == stream)


@given(FRAMES, st.lists(st.integers(1, 30), min_size=1))
def test_each_stream_comes_out_whole_however_it_is_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data, at, seen = encoded(frames), 0, []
    demultiplexer = Demultiplexer()
    for turn in range(len(data)):
        size = cuts[turn % len(cuts)]
        seen += demultiplexer.feed(data[at : at + size])
        at += size
    for stream in (STDOUT, STDERR):
        assert of(stream, [tuple(frame) for frame in seen]) == of(stream, frames)  # type: ignore[misc]
    assert all(frame.data for frame in seen)


def test_neighbours_of_one_stream_are_joined_and_the_order_of_streams_is_kept() -> None:
    frames = [(STDOUT, b"a"), (STDOUT, b"b"), (STDERR, b"c"), (STDOUT, b"d")]
    expected = [Frame(STDOUT, b"ab"), Frame(STDERR, b"c"), Frame(STDOUT, b"d")]
    assert Demultiplexer().feed(encoded(frames)) == expected
