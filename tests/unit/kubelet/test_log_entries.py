import json

import pytest

from kubelet.logs.entries import Entries, moment, padded
from kubelet.streams import LogOptions


def entry(log: str, stream: str = "stdout", second: int = 0, decimals: str = ".5") -> bytes:
    time = f"2026-11-22T11:00:{second:02}{decimals}Z"
    return json.dumps({"log": log, "stream": stream, "time": time}).encode() + b"\n"


LOG = (
    entry("one\n")
    + entry("two\n", "stderr", 1)
    + entry("th", second=2)
    + entry("x\n", "stderr", 3)
    + entry("ree\n", second=4)
)
STAMP = "2026-11-22T11:00:{:02}.500000000Z "


def test_the_text_alone_is_shown() -> None:
    assert Entries(LogOptions()).text(LOG) == b"one\ntwo\nthx\nree\n"


def test_one_stream_can_be_had_alone() -> None:
    assert Entries(LogOptions(stderr=False)).text(LOG) == b"one\nthree\n"
    assert Entries(LogOptions(stdout=False)).text(LOG) == b"two\nx\n"


def test_only_the_first_piece_of_a_line_has_the_time_wherever_the_log_is_cut() -> None:
    shown = f"{STAMP.format(0)}one\n{STAMP.format(1)}two\n{STAMP.format(2)}th{STAMP.format(3)}x\nree\n"
    assert Entries(LogOptions(timestamps=True)).text(LOG).decode() == shown
    entries = Entries(LogOptions(timestamps=True))
    assert b"".join(entries.text(line + b"\n") for line in LOG.split(b"\n")).decode() == shown


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        ("", b"one\ntwo\nthx\nree\n"),
        ("1795345200.500000000", b"one\ntwo\nthx\nree\n"),
        ("1795345200.500000001", b"two\nthx\nree\n"),
        ("1795345203.5", b"x\nree\n"),
        ("1795345204.6", b""),
    ],
)
def test_what_is_older_is_left_out(since: str, shown: bytes) -> None:
    assert Entries(LogOptions(since=since)).text(LOG) == shown


def test_times_have_nine_decimals() -> None:
    assert padded("2026-11-22T11:00:00Z") == "2026-11-22T11:00:00.000000000Z"
    assert padded("2026-11-22T11:00:00.123456789Z") == "2026-11-22T11:00:00.123456789Z"
    assert moment("1795345200.25") == "2026-11-22T11:00:00.250000000Z"


def test_what_is_no_entry_is_left_out() -> None:
    assert Entries(LogOptions()).text(entry("a\n") + b'{"log":"cut\n' + b"\xff\n" + entry("b\n")) == b"a\nb\n"
    assert (
        Entries(LogOptions()).text(b'{"log":"with attributes\\n","attrs":{"a":"b"},"stream":"stdout"}\n')
        == b"with attributes\n"
    )
