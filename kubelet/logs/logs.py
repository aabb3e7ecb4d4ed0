"""Docker's logs in kubectl's terms. Pure but for `limited`, which passes on what it is given.

kubectl            the engine                        note
--tail             tail
--since[-time]     since                             seconds with nine decimals
--timestamps       timestamps                        both nine decimals, UTC
--limit-bytes      cut here                          counts what is sent, time stamps included
--previous         another container                 see `chosen`
--follow           follow                            ends when the container does
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kubelet.docker.frames import HEAD_BYTES, STDERR, STDOUT
from kubelet.streams import LogOptions, NotRunning, Target

TIMESTAMP_BYTES = len("2026-11-22T11:00:00.000000000Z ")
STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
WAITING = {"ErrImagePull": ": image can't be pulled", "ImagePullBackOff": ": trying and failing to pull image"}


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


def chosen(status: Mapping[str, Any] | None, target: Target, previous: bool) -> str:
    """The id of the instance whose log is meant. `status` is the pod's, None for one that this node does not know.

        state            lastState          logs of               --previous
        running          none               state                 refused
        running          terminated         state                 lastState
        terminated       …                  state                 lastState
        waiting          terminated         lastState             lastState
        waiting          none               refused, with the reason

    Errors: NotRunning, in the kubelet's words. Source: validateContainerLogStatus in pkg/kubelet/kubelet_pods.go.
    """
    where = f'container "{target.container}" in pod "{target.pod}"'
    if status is None:
        raise NotRunning(f'pod "{target.pod}" cannot be found - no logs available')
    every = (each for field in STATUSES for each in status.get(field) or ())
    found = next((each for each in every if each["name"] == target.container), None)
    if found is None:
        raise NotRunning(f"{where} is not available")
    state = found.get("state") or {}
    last = _id((found.get("lastState") or {}).get("terminated"))
    if previous:
        if not last:
            raise NotRunning(f"previous terminated {where} not found")
        return last
    if "running" in state and found.get("containerID"):
        return str(found["containerID"]).rpartition("/")[2]
    if id := _id(state.get("terminated")) or last:
        return id
    if "terminated" in state or (found.get("lastState") or {}).get("terminated"):
        raise NotRunning(f"{where} is terminated")
    reason = (state.get("waiting") or {}).get("reason", "")
    raise NotRunning(f"{where} is waiting to start{WAITING.get(reason, f': {reason}' if reason else ' - no logs yet')}")


def _id(terminated: Mapping[str, Any] | None) -> str:
    return str((terminated or {}).get("containerID") or "").rpartition("/")[2]


def gone(id: str) -> bytes:
    """What stands for the log of an instance that the engine has no more."""
    return f"unable to retrieve container logs for docker://{id}".encode()


class StampedLines:
    """The engine's messages with their time stamps, however the bytes are cut. A line over 16 KiB comes in pieces, each
    with a time stamp: only the first keeps it."""

    def __init__(self) -> None:
        self._pending = b""
        self._continues = {STDOUT: False, STDERR: False}

    def feed(self, data: bytes) -> bytes:
        data, at, found = self._pending + data, 0, []
        while len(data) - at >= HEAD_BYTES:
            end = at + HEAD_BYTES + int.from_bytes(data[at + 4 : at + HEAD_BYTES], "big")
            if end > len(data):
                break
            stream = STDERR if data[at] == STDERR else STDOUT
            start = at + HEAD_BYTES + (TIMESTAMP_BYTES if self._continues[stream] else 0)
            self._continues[stream] = data[end - 1 : end] != b"\n"
            found.append(data[start:end])
            at = end
        self._pending = data[at:]
        return b"".join(found)


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
