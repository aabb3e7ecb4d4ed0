"""Find a Docker engine; as root on Debian or Ubuntu, install and start one after saying so."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from podling.cli.logs import last_lines
from podling.cli.refusal import Refusal
from podling.images.debian import DebianError, apt
from podling.images.engine import Engine

DEFAULT_SOCKET = "/var/run/docker.sock"
DAEMON_LOG = Path("/var/log/podling-dockerd.log")
DAEMON_START_SECONDS = 60.0

Say = Callable[[str], None]


def candidates() -> list[str]:
    """Where an engine may be: what DOCKER_HOST says and nothing else, or the usual sockets."""
    if host := os.environ.get("DOCKER_HOST"):
        return [host]
    rootless = os.environ.get("XDG_RUNTIME_DIR", "")
    found = [DEFAULT_SOCKET, *([f"{rootless}/docker.sock"] if rootless else [])]
    return [f"unix://{path}" for path in (*found, os.path.expanduser("~/.docker/run/docker.sock"))]


def find() -> Engine | None:
    """The first engine that answers. DOCKER_HOST is set to it, for the Docker SDK in the processes to come."""
    for address in candidates():
        engine = Engine(address)
        if not engine.problem():
            os.environ["DOCKER_HOST"] = address
            return engine
    return None


def find_or_start(say: Say) -> Engine:
    """An engine that answers; `Refusal` tells what the user can do where we cannot."""
    if engine := find():
        return engine
    problem = Engine(candidates()[0]).problem()
    if os.environ.get("DOCKER_HOST"):
        raise Refusal(f"the Docker engine at DOCKER_HOST does not answer ({problem}); start it, or unset DOCKER_HOST")
    if os.geteuid() != 0:
        raise Refusal(not_for_this_user(problem))
    if not shutil.which("dockerd"):
        install(say)
    start(say)
    if engine := find():
        return engine
    raise Refusal(f"dockerd was started but {DEFAULT_SOCKET} does not answer; see {DAEMON_LOG}")


def not_for_this_user(problem: str) -> str:
    if Path(DEFAULT_SOCKET).exists() and not os.access(DEFAULT_SOCKET, os.W_OK):
        return (
            f"a Docker engine is there, but {DEFAULT_SOCKET} is not open to you: `sudo usermod -aG docker $USER` "
            "and log in again, or run podling as root"
        )
    return (
        f"no Docker engine answers ({problem}): start it (`sudo systemctl start docker`), install it "
        "(https://docs.docker.com/engine/install/), or run podling as root on Debian or Ubuntu, which does both"
    )


def install(say: Say) -> None:
    if not shutil.which("apt-get"):
        raise Refusal("no Docker engine is installed: see https://docs.docker.com/engine/install/, then try again")
    say("No Docker engine here: installing Debian's (apt-get install docker.io) …")
    try:
        apt("install", "-y", "--no-install-recommends", "docker.io", "iptables", "nftables")
        if not shutil.which("docker") and _run("apt-cache", "show", "docker-cli"):  # apart from Debian 13 on
            apt("install", "-y", "--no-install-recommends", "docker-cli")
    except DebianError as error:
        raise Refusal(str(error)) from None


def start(say: Say) -> None:
    """As systemd's unit where systemd runs, else dockerd itself, detached from us. Waits until it answers."""
    if Path("/run/systemd/system").is_dir() and _run("systemctl", "start", "docker"):
        say("Started the Docker engine (systemctl start docker).")
        _wait(None)
        return
    say(f"Starting the Docker engine (dockerd, log in {DAEMON_LOG}) …")
    with open(DAEMON_LOG, "ab") as log:
        daemon = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    _wait(daemon)


def _run(*command: str) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _wait(daemon: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + DAEMON_START_SECONDS
    while Engine(f"unix://{DEFAULT_SOCKET}").problem():
        if (daemon is not None and daemon.poll() is not None) or time.monotonic() > deadline:
            tail = "\n".join(last_lines(DAEMON_LOG, 5))
            raise Refusal(f"dockerd did not come up; the end of {DAEMON_LOG}:\n{tail}")
        time.sleep(0.1)
