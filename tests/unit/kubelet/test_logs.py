import itertools
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.docker.frames import STDERR, STDOUT
from kubelet.logs import logs
from kubelet.streams import LogOptions, NotRunning, Target

NOW = datetime(2026, 11, 22, 11, 0, 0, 500000, tzinfo=UTC)
STAMP = "2026-11-22T11:00:00.000000000Z "


async def pieces(data: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


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


TARGET = Target("default", "web", "", "app")
RUNNING = {"running": {"startedAt": "x"}}
WHERE = 'container "app" in pod "web"'


def ended(id: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": 1, "containerID": f"docker://{id}" if id else ""}}


def waits(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason} if reason else {}}


@pytest.mark.parametrize(
    ("state", "last", "current", "previous"),
    [
        (RUNNING, {}, "new", ""),
        (RUNNING, ended("old"), "new", "old"),
        (ended("new"), {}, "new", ""),
        (ended("new"), ended("old"), "new", "old"),
        (ended(""), ended("old"), "old", "old"),
        (waits("CrashLoopBackOff"), ended("new"), "new", "new"),
        (waits("ContainerCreating"), {}, "", ""),
    ],
)
@pytest.mark.parametrize("field", logs.STATUSES)
def test_the_status_says_whose_log_it_is(
    field: str, state: dict[str, Any], last: dict[str, Any], current: str, previous: str
) -> None:
    told = {field: [{"name": "app", "containerID": "docker://new", "state": state, "lastState": last}]}
    for asked, found in ((False, current), (True, previous)):
        if found:
            assert logs.chosen(told, TARGET, asked) == found
        else:
            with pytest.raises(NotRunning):
                logs.chosen(told, TARGET, asked)


@pytest.mark.parametrize(
    ("state", "last", "previous", "words"),
    [
        (waits("ContainerCreating"), {}, False, f"{WHERE} is waiting to start: ContainerCreating"),
        (waits("PodInitializing"), {}, False, f"{WHERE} is waiting to start: PodInitializing"),
        (waits("ErrImagePull"), {}, False, f"{WHERE} is waiting to start: image can't be pulled"),
        (waits("ImagePullBackOff"), {}, False, f"{WHERE} is waiting to start: trying and failing to pull image"),
        (waits(""), {}, False, f"{WHERE} is waiting to start - no logs yet"),
        (ended(""), {}, False, f"{WHERE} is terminated"),
        (waits("x"), ended(""), False, f"{WHERE} is terminated"),
        (RUNNING, {}, True, f"previous terminated {WHERE} not found"),
    ],
)
def test_what_has_no_log_says_why(state: dict[str, Any], last: dict[str, Any], previous: bool, words: str) -> None:
    told = {"containerStatuses": [{"name": "app", "state": state, "lastState": last}]}
    with pytest.raises(NotRunning) as caught:
        logs.chosen(told, TARGET, previous)
    assert str(caught.value) == words


def test_a_pod_or_container_that_is_not_known_says_so() -> None:
    with pytest.raises(NotRunning, match='pod "web" cannot be found - no logs available'):
        logs.chosen(None, TARGET, False)
    with pytest.raises(NotRunning, match=f"{WHERE} is not available"):
        logs.chosen({}, TARGET, False)


MESSAGES = [
    (STDOUT, f"{STAMP}long", f"{STAMP}long"),
    (STDERR, f"{STAMP}other\n", f"{STAMP}other\n"),
    (STDOUT, f"{STAMP} line\n", " line\n"),
    (STDOUT, f"{STAMP}next\n", f"{STAMP}next\n"),
    (STDOUT, f"{STAMP}\n", f"{STAMP}\n"),
]


@given(st.lists(st.integers(min_value=1, max_value=50), min_size=1))
def test_only_the_first_piece_of_a_line_keeps_its_time_stamp(cuts: list[int]) -> None:
    data = b"".join(
        bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text.encode() for stream, text, _ in MESSAGES
    )
    lines, shown, at = logs.StampedLines(), b"", 0
    for size in itertools.cycle(cuts):
        if at >= len(data):
            break
        shown += lines.feed(data[at : at + size])
        at += size
    assert shown.decode() == "".join(text for _, _, text in MESSAGES)


@pytest.mark.parametrize(("most", "shown"), [(None, b"onetwo"), (4, b"onet"), (3, b"one"), (100, b"onetwo")])
async def test_bytes_are_limited_in_the_middle_of_a_line(most: int | None, shown: bytes) -> None:
    data = logs.limited(pieces([b"one", b"two"]), most)
    assert b"".join([piece async for piece in data]) == shown
