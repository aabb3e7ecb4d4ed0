"""Docker's logs in kubectl's terms. Pure but for `limited`, which passes on what it is given.

kubectl            the engine                        note
--tail             tail
--since[-time]     since                             seconds with nine decimals
--timestamps       timestamps                        both nine decimals, UTC
--limit-bytes      cut here                          counts what is sent, time stamps included
--previous         another container                 an instance of its own, see `previous_of`
--follow           follow                            ends when the container does
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from kubelet.docker_frames import Frame
from kubelet.runtime import ContainerSeen, State
from kubelet.streams import LogOptions

TIMESTAMP_BYTES = len("2026-11-22T11:00:00.000000000Z ")


def query(options: LogOptions) -> dict[str, str]:
    """Of the engine's /containers/<id>/logs."""
    flags = {
        "stdout": options.stdout,
        "stderr": options.stderr,
        "follow": options.follow,
        "timestamps": options.timestamps,
    }
    asked = {name: "1" if flag else "0" for name, flag in flags.items()}
    asked["tail"] = "all" if options.tail_lines is None else str(options.tail_lines)
    if options.since:
        asked["since"] = options.since
    return asked


def since(now: datetime, seconds: int | None, time: str) -> str:
    """Seconds since 1970 with nine decimals, of `--since` or `--since-time`. Errors: ValueError for a bad time."""
    if seconds is not None:
        return f"{now.timestamp() - seconds:.9f}"
    if not time:
        return ""
    head, dot, rest = time.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    zone = rest[len(digits) :] if dot else ""
    moment = datetime.fromisoformat(head + zone)
    if moment.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone")
    return f"{int(moment.astimezone(UTC).timestamp())}.{digits[:9]:0<9}"


def current_of(instances: Sequence[ContainerSeen]) -> ContainerSeen | None:
    """The instance that logs are read of: the newest that has run or tried to. `instances` are newest first."""
    return next((each for each in instances if each.state is not State.CREATED or each.error), None)


def previous_of(instances: Sequence[ContainerSeen]) -> ContainerSeen | None:
    """The one before; of a single one that has ended and is about to be started anew, that one."""
    ended = [each for each in instances if each.state is State.EXITED or each.error]
    newest = current_of(instances)
    older = [each for each in ended if newest and each.attempt < newest.attempt]
    return next(iter(older or ended), None)


async def lines(frames: AsyncIterator[Frame], timestamps: bool) -> AsyncIterator[bytes]:
    """The frames' data. A line over 16 KiB comes in pieces, each with a time stamp: only the first keeps it."""
    continues: dict[int, bool] = {}
    async for frame in frames:
        data = frame.data
        if timestamps and continues.get(frame.stream):
            data = data[TIMESTAMP_BYTES:]
        continues[frame.stream] = not data.endswith(b"\n")
        yield data


async def limited(data: AsyncIterator[bytes], most: int | None) -> AsyncIterator[bytes]:
    left = most
    async for piece in data:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return
