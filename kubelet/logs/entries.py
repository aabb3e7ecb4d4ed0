"""What the engine's json-file log holds, as kubectl shows it. Pure.

{"log":"one\\n","stream":"stdout","time":"2026-11-22T11:00:00.5Z"}        one entry a line, at most 16 KiB of text
{"log":"a piece","stream":"stderr","time":"…"}                             no end of line: the next piece belongs to it
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from kubelet.streams import LogOptions


class Entry(msgspec.Struct):
    log: str = ""
    stream: str = "stdout"
    time: str = ""


_DECODER = msgspec.json.Decoder(Entry)


class Entries:
    """Keeps in mind between two pieces of a log which streams are in the middle of a line."""

    def __init__(self, options: LogOptions) -> None:
        wanted = {"stdout": options.stdout, "stderr": options.stderr}
        self._streams = {name for name, flag in wanted.items() if flag}
        self._since = moment(options.since)
        self._timestamps = options.timestamps
        self._continues: set[str] = set()

    def text(self, lines: bytes) -> bytes:
        """Of whole lines of the file."""
        entries = decoded(lines)
        if len(self._streams) < 2:
            entries = [each for each in entries if each.stream in self._streams]
        if self._since:
            entries = [each for each in entries if padded(each.time) >= self._since]
        texts = [self._stamped(each) for each in entries] if self._timestamps else [each.log for each in entries]
        return "".join(texts).encode(errors="replace")

    def _stamped(self, entry: Entry) -> str:
        """Only the first piece of a line has the time."""
        begins = entry.stream not in self._continues
        (self._continues.discard if entry.log.endswith("\n") else self._continues.add)(entry.stream)
        return f"{padded(entry.time)} {entry.log}" if begins else entry.log


def decoded(lines: bytes) -> Sequence[Entry]:
    """What a full disk has cut is left out."""
    try:
        return list(_DECODER.decode_lines(lines))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [entry for line in lines.split(b"\n") for entry in _decoded(line)]


def _decoded(line: bytes) -> Sequence[Entry]:
    try:
        return [_DECODER.decode(line)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def padded(time: str) -> str:
    """With nine decimals, so that times compare as text."""
    head, _, decimals = time.rstrip("Z").partition(".")
    return f"{head}.{decimals:0<9}Z"


def moment(since: str) -> str:
    """Of seconds since 1970 with decimals as text; "" is none."""
    if not since:
        return ""
    whole, _, decimals = since.partition(".")
    return padded(f"{datetime.fromtimestamp(int(whole), UTC):%Y-%m-%dT%H:%M:%S}.{decimals}")
