"""The machine's shutdown, announced on a real bus: a dbus-daemon of our own, and systemd's own tools."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelet.node import logind

CONFIG = """<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/>
<allow user="*"/></policy></busconfig>"""
# Nobody owns logind's name on our bus: the signal is taken from whoever sends it.
MONITOR = [part.replace("sender='org.freedesktop.login1',", "") for part in logind.MONITOR]


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not all(shutil.which(program) for program in ("dbus-daemon", "busctl", "systemd-inhibit")):
        pytest.skip("no dbus-daemon, busctl and systemd-inhibit here")
    path = tmp_path / "bus"
    (tmp_path / "bus.conf").write_text(CONFIG.format(path=path))
    command = ["dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--print-address"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert daemon.stdout is not None and daemon.stdout.readline()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")
    yield
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()
    daemon.stdout.close()


async def announce(ends: bool) -> None:
    what = ["/org/freedesktop/login1", logind.MANAGER, "PrepareForShutdown", "b", str(ends).lower()]
    emitting = await asyncio.create_subprocess_exec("busctl", "--system", "emit", *what)
    assert await emitting.wait() == 0


async def test_a_shutdown_that_is_announced_ends_pods_and_one_that_is_called_off_lets_them_in(bus: None) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def shut_down() -> None:
        heard.put_nowait("ends")

    async def come_back() -> None:
        heard.put_nowait("goes on")

    following = asyncio.ensure_future(logind.follow(shut_down, come_back, 30, MONITOR))
    try:
        async with asyncio.timeout(60):
            while heard.empty():  # until the monitor listens
                await announce(True)
                await asyncio.sleep(0.1)
            while heard.qsize():
                assert heard.get_nowait() == "ends"
            await announce(False)
            while (word := await heard.get()) == "ends":
                continue
            assert word == "goes on"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_without_a_bus_there_is_nothing_to_follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logind, "BUS", tmp_path / "none")
    monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS", raising=False)
    assert not logind.is_here() and "DBUS_SYSTEM_BUS_ADDRESS" not in os.environ

    async def never() -> None:
        raise AssertionError("nobody announced anything")

    await asyncio.wait_for(logind.follow(never, never, 30), 60)
