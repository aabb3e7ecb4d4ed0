"""A log that is turned over while it is read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.logs.files import LogFiles

KEPT = 5


class Writer:
    """Writes and turns over as the engine does: all files are renamed, then a new one is begun."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x-json.log"
        self.path.touch()
        self.count = 0

    def write(self, lines: int = 1) -> None:
        with self.path.open("a") as file:
            for _ in range(lines):
                self.count += 1
                file.write(f"line {self.count}\n")

    def turn(self) -> None:
        (self.path.with_name(f"{self.path.name}.{KEPT - 1}")).unlink(missing_ok=True)
        for number in range(KEPT - 2, 0, -1):
            old = self.path.with_name(f"{self.path.name}.{number}")
            if old.exists():
                old.rename(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.rename(self.path.with_name(f"{self.path.name}.1"))
        self.path.touch()


def numbers(data: bytes) -> list[int]:
    return [int(line.split()[1]) for line in data.splitlines()]


def rest(files: LogFiles) -> list[int]:
    return numbers(b"".join(iter(files.read, b"")))


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


@pytest.fixture
def opened(writer: Writer) -> Iterator[Callable[..., LogFiles]]:
    made = []

    def open_files(tail: int | None = None, follow: bool = False) -> LogFiles:
        made.append(LogFiles(writer.path, tail, follow))
        return made[-1]

    yield open_files
    for each in made:
        each.close()


def test_all_files_are_read_in_order_and_their_end_is_where_it_was(
    writer: Writer, opened: Callable[..., LogFiles]
) -> None:
    for _ in range(3):
        writer.write(4)
        writer.turn()
    writer.write(2)
    files = opened()
    writer.write()
    writer.turn()
    writer.write()
    assert rest(files) == list(range(1, 15))


@pytest.mark.parametrize("tail", [0, 1, 2, 3, 7, 11, 12, 13, 100])
def test_the_last_lines_are_found_across_files(writer: Writer, opened: Callable[..., LogFiles], tail: int) -> None:
    for lines in (4, 5, 0, 3):
        writer.turn()
        writer.write(lines)
    assert rest(opened(tail)) == list(range(1, 13))[12 - min(tail, 12) :]
    files = opened(tail, follow=True)
    writer.write()
    assert rest(files)[-1] == 13


def test_lines_longer_than_what_is_read_at_once_are_whole(writer: Writer, opened: Callable[..., LogFiles]) -> None:
    text = b"x" * 600_000 + b"\n"
    writer.path.write_bytes(text * 2)
    assert list(iter(opened().read, b"")) == [text, text]
    assert list(iter(opened(1).read, b"")) == [text]


def test_half_a_line_waits_for_its_other_half(writer: Writer, opened: Callable[..., LogFiles]) -> None:
    files = opened(follow=True)
    with writer.path.open("ab", buffering=0) as file:
        file.write(b"one\ntw")
        assert (files.read(), files.read()) == (b"one\n", b"")
        file.write(b"o\n")
        assert files.read() == b"two\n"


@given(steps=st.lists(st.sampled_from(["write", "turn", "read", "read all"]), max_size=40))
def test_who_follows_misses_nothing_while_files_are_kept(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    writer = Writer(tmp_path_factory.mktemp("log"))
    writer.write(2)
    files = LogFiles(writer.path, None, follow=True)
    found: list[int] = []
    turned = 0
    try:
        for step in steps:
            if step == "write":
                writer.write(2)
            elif step == "turn" and turned < KEPT - 1:
                writer.turn()
                turned += 1
            elif step == "read":
                found += numbers(files.read())
            elif step == "read all":
                found += rest(files)
                turned = 0
        found += rest(files)
    finally:
        files.close()
    assert found == list(range(1, writer.count + 1))


def test_who_is_much_too_slow_goes_on_with_the_oldest_there_is(writer: Writer, opened: Callable[..., LogFiles]) -> None:
    files = opened(follow=True)
    for _ in range(8):
        writer.write()
        writer.turn()
    writer.write()
    found = rest(files)
    assert found[0] == 1 and found[1:] == [5, 6, 7, 8, 9]
