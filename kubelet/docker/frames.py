"""The engine's two output streams on one connection, told apart. Pure.

stream 1 | 0 | 0 | 0 | length 4 big-endian | …        stream 1 is standard output, 2 standard error
"""

from typing import NamedTuple

STDOUT, STDERR = 1, 2
HEAD_BYTES = 8


class Frame(NamedTuple):
    stream: int
    data: bytes


class Demultiplexer:
    """Takes the bytes however they are cut, and gives what is there: neighbours of one stream come joined, since what a
    piece costs on its way to the client hardly depends on its size."""

    def __init__(self) -> None:
        self._head = b""
        self._stream, self._left = STDOUT, 0

    def feed(self, data: bytes) -> list[Frame]:
        found: list[tuple[int, list[memoryview]]] = []
        view, at = memoryview(data), 0
        while at < len(data):
            if not self._left:
                at = self._read_head(data, at)
                continue
            piece = view[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            if found and found[-1][0] == self._stream:
                found[-1][1].append(piece)
            else:
                found.append((self._stream, [piece]))
        return [Frame(stream, b"".join(pieces)) for stream, pieces in found]

    def _read_head(self, data: bytes, at: int) -> int:
        missing = HEAD_BYTES - len(self._head)
        self._head += data[at : at + missing]
        if len(self._head) == HEAD_BYTES:
            self._stream = STDERR if self._head[0] == STDERR else STDOUT
            self._left = int.from_bytes(self._head[4:], "big")
            self._head = b""
        return at + missing
