"""An API server alone, in a state directory of its own that goes with it."""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec

from podling.state import State, StateError

START_SECONDS = 30.0


class Server(NamedTuple):
    """`grpc` is host:port; `tls` carries the administrator's certificate; `pid` is the server's own process; `pki` is
    where the certificates are."""

    url: str
    grpc: str
    tls: ssl.SSLContext
    pid: int
    pki: Path

    def session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.tls, limit=0)
        return aiohttp.ClientSession(
            self.url, connector=connector, json_serialize=lambda value: msgspec.json.encode(value).decode()
        )


EMPTY = """
import asyncio, ssl, sys
from aiohttp import web

async def answer(_):
    return web.Response(body=BODY, headers={"Content-Type": "application/json"})

async def main(pki, port):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{pki}/ca.crt")
    tls.load_cert_chain(f"{pki}/apiserver.crt", f"{pki}/apiserver.key")
    tls.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port), ssl_context=tls).start()
    await asyncio.Event().wait()

BODY = b"x" * int(sys.argv[3])
try:
    import uvloop
    uvloop.run(main(*sys.argv[1:3]))
except ImportError:
    asyncio.run(main(*sys.argv[1:3]))
"""


@contextmanager
def empty_server(beside: Server, body_bytes: int) -> Iterator[Server]:
    """The floor: an aiohttp server on TLS that answers everything with so many bytes and does nothing else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", EMPTY, str(beside.pki), str(port), str(body_bytes)])
    try:
        _wait(lambda: _answers(f"https://127.0.0.1:{port}/", beside.tls), process)
        yield beside._replace(url=f"https://127.0.0.1:{port}", pid=process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit("the server did not become ready")
        time.sleep(0.05)


def _answers(url: str, tls: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, context=tls):
            return True
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def api_server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as folder:
        environment = os.environ | {"XDG_STATE_HOME": folder, "KUBECONFIG": f"{folder}/config"}
        command = [str(Path(sys.executable).with_name("podling")), "apiserver", "--name", "bench"]
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            yield _ready(State("bench", Path(folder) / "podling"), process, log)
        finally:
            process.terminate()
            process.wait()


def _ready(state: State, process: subprocess.Popen[bytes], log: Path) -> Server:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            ports = state.load().ports
            tls = ssl.create_default_context(cafile=str(state.pki / "ca.crt"))
            tls.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
            url = f"https://127.0.0.1:{ports['apiserver']}"
            with urllib.request.urlopen(f"{url}/readyz", context=tls):
                return Server(url, f"127.0.0.1:{ports['apiserver-grpc']}", tls, process.pid, state.pki)
        except (OSError, urllib.error.URLError, ValueError, StateError):
            time.sleep(0.05)
    raise SystemExit(f"the API server did not become ready:\n{log.read_text()[-4000:]}")
