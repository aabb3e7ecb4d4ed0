from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import pytest

from kubelet import logs
from kubelet.docker_frames import STDERR, STDOUT, Frame
from kubelet.runtime import ContainerSeen, State
from kubelet.streams import LogOptions

NOW = datetime(2026, 11, 22, 11, 0, 0, 500000, tzinfo=UTC)
STAMP = "2026-11-22T11:00:00.000000000Z "


def seen(attempt: int, state: State = State.EXITED, error: str = "") -> ContainerSeen:
    return ContainerSeen(str(attempt), "app", attempt, state, "i", "i", "h", error=error)


async def pieces(frames: Iterable[Frame]) -> AsyncIterator[Frame]:
    for frame in frames:
        yield frame


def test_options_become_the_engines_query() -> None:
    asked = logs.query(LogOptions(follow=True, tail_lines=0, timestamps=True, since="5.0", stderr=False))
    assert asked == {"stdout": "1", "stderr": "0", "follow": "1", "timestamps": "1", "tail": "0", "since": "5.0"}
    assert logs.query(LogOptions()) == {"stdout": "1", "stderr": "1", "follow": "0", "timestamps": "0", "tail": "all"}


@pytest.mark.parametrize(
    ("time", "asked"),
    [
        ("2026-11-22T11:00:00Z", "1795345200.000000000"),
        ("2026-11-22T11:00:00.123456789Z", "1795345200.123456789"),
        ("2026-11-22T12:00:00.5+01:00", "1795345200.500000000"),
        ("", ""),
    ],
)
def test_since_time_keeps_its_nanoseconds(time: str, asked: str) -> None:
    assert logs.since(NOW, None, time) == asked


def test_since_seconds_counts_back_from_now() -> None:
    assert logs.since(NOW, 10, "") == "1795345190.500000000"


@pytest.mark.parametrize("time", ["yesterday", "2026-11-22T11:00:00"])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        logs.since(NOW, None, time)


def test_the_newest_that_ran_is_current_and_the_one_before_previous() -> None:
    instances = [seen(3, State.CREATED), seen(2, State.RUNNING), seen(1), seen(0)]
    assert logs.current_of(instances) == instances[1]
    assert logs.previous_of(instances) == instances[2]


def test_one_that_waits_to_be_started_anew_is_its_own_previous() -> None:
    assert logs.previous_of([seen(0)]) == seen(0)
    assert logs.previous_of([seen(0, State.RUNNING)]) is None
    assert logs.current_of([seen(0, State.CREATED)]) is None
    assert logs.current_of([seen(0, State.CREATED, "no such command")]) is not None


async def test_only_the_first_piece_of_a_line_keeps_its_time_stamp() -> None:
    frames = [
        Frame(STDOUT, f"{STAMP}long".encode()),
        Frame(STDERR, f"{STAMP}other\n".encode()),
        Frame(STDOUT, f"{STAMP} line\n".encode()),
        Frame(STDOUT, f"{STAMP}next\n".encode()),
    ]
    shown = [piece.decode() async for piece in logs.lines(pieces(frames), timestamps=True)]
    assert shown == [f"{STAMP}long", f"{STAMP}other\n", " line\n", f"{STAMP}next\n"]


@pytest.mark.parametrize(("most", "shown"), [(None, b"onetwo"), (4, b"onet"), (3, b"one"), (100, b"onetwo")])
async def test_bytes_are_limited_in_the_middle_of_a_line(most: int | None, shown: bytes) -> None:
    data = logs.lines(pieces([Frame(STDOUT, b"one"), Frame(STDOUT, b"two")]), timestamps=False)
    assert b"".join([piece async for piece in logs.limited(data, most)]) == shown
