"""An API server alone, in a state directory of its own that goes with it."""

import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec

from podling.state import State, StateError

START_SECONDS = 30.0


class Server(NamedTuple):
    """`grpc` is host:port; `tls` carries the administrator's certificate; `pid` is the server's own process."""

    url: str
    grpc: str
    tls: ssl.SSLContext
    pid: int

    def session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.tls, limit=0)
        return aiohttp.ClientSession(
            self.url, connector=connector, json_serialize=lambda value: msgspec.json.encode(value).decode()
        )


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
                return Server(url, f"127.0.0.1:{ports['apiserver-grpc']}", tls, process.pid)
        except (OSError, urllib.error.URLError, ValueError, StateError):
            time.sleep(0.05)
    raise SystemExit(f"the API server did not become ready:\n{log.read_text()[-4000:]}")
