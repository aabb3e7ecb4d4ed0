"""The machine's own shutdown, as systemd-logind announces it, by systemd's own tools (no D-Bus library).

    systemd-inhibit … cat       holds a lock that delays the shutdown until we close its standard input
    busctl monitor …            one line of JSON a signal: PrepareForShutdown true, or false when it was called off

Where there is no system bus (a container, another init), `podling down` and SIGPWR are what is left.
Source: systemd-inhibit(1), busctl(1), org.freedesktop.login1(5).
"""

import asyncio
import json
import logging
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)
BUS = Path("/run/dbus/system_bus_socket")
MANAGER = "org.freedesktop.login1.Manager"
RULE = f"type='signal',sender='org.freedesktop.login1',interface='{MANAGER}',member='PrepareForShutdown'"
INHIBIT = (
    "systemd-inhibit",
    "--what=shutdown",
    "--mode=delay",
    "--who=podling",
    "--why=Pods end in order",
    "cat",
)
MONITOR = ("busctl", "--system", "--json=short", f"--match={RULE}", "monitor")
DELAY = ("busctl", "--system", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1", MANAGER)
AGAIN_SECONDS = 30.0


def is_here() -> bool:
    has_bus = BUS.exists() or "DBUS_SYSTEM_BUS_ADDRESS" in os.environ
    return has_bus and all(shutil.which(program) for program in ("busctl", "systemd-inhibit"))


async def follow(
    shut_down: Callable[[], Awaitable[None]],
    come_back: Callable[[], Awaitable[None]],
    total_seconds: float,
    monitor_command: Sequence[str] = MONITOR,
) -> None:
    """Until cancelled; returns where there is no logind. The machine waits for `shut_down`."""
    if not is_here():
        log.info("no logind here: the machine's shutdown gives pods no time, `podling down` does")
        return
    await _check_delay(total_seconds)
    while True:
        monitor = await asyncio.create_subprocess_exec(*monitor_command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        lock = await _lock()
        try:
            assert monitor.stdout is not None
            async for line in monitor.stdout:
                ends = announced(line)
                if ends:
                    await shut_down()
                    await _end(lock)
                elif ends is False:
                    await come_back()
                    lock = await _lock()
        finally:
            await _end(monitor)
            await _end(lock)
        log.warning("logind is not heard any more; asking again seconds=%d", AGAIN_SECONDS)
        await asyncio.sleep(AGAIN_SECONDS)


def announced(line: bytes) -> bool | None:
    """Whether a line of `busctl monitor` says that the machine ends (True), does not after all (False), or neither."""
    try:
        message = json.loads(line)
        if message.get("member") != "PrepareForShutdown":
            return None
        return bool(message["payload"]["data"][0])
    except (ValueError, AttributeError, KeyError, IndexError, TypeError):
        return None


async def _lock() -> Process:
    return await asyncio.create_subprocess_exec(*INHIBIT, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


async def _check_delay(total_seconds: float) -> None:
    """logind waits for nobody longer than it was told to."""
    asked = await asyncio.create_subprocess_exec(
        *DELAY, "InhibitDelayMaxUSec", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    answer = (await asked.communicate())[0].decode().split()
    if len(answer) == 2 and answer[1].isdigit() and int(answer[1]) < total_seconds * 1e6:
        log.warning(
            "logind waits %.0f s at shutdown, pods were given %.0f s: set InhibitDelayMaxSec in logind.conf",
            int(answer[1]) / 1e6,
            total_seconds,
        )
