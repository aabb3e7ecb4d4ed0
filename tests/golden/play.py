"""Plays recorded conversations with Kubernetes to our API server, alone: `play.py [replay.py's arguments]`.

The server gets a state directory, ports and a kubeconfig of its own, and is stopped at the end. Nothing else runs: the
answers were recorded from a bare API server.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from podling.cli.probe import Probe
from podling.state import State

PODLING = str(Path(sys.executable).with_name("podling"))
REPLAY = (Path("../shared/golden/replay.py"), Path("/work/shared/golden/replay.py"))
NAME = "golden"
START_SECONDS = 60


def main() -> int:
    replay = next((path for path in REPLAY if path.exists()), None)
    if replay is None:
        print("the recordings are not beside this checkout (../shared/golden/replay.py)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="podling-golden-") as folder:
        environment = {**os.environ, "XDG_STATE_HOME": folder, "PODLING_LOG": "WARNING"}
        state = State(NAME, Path(folder) / "podling")
        log = Path(folder) / "apiserver.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [PODLING, "apiserver", "--name", NAME], env=environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output,
            ) as server,
        ):  # fmt: skip
            try:
                wait(state, server, log)
                played = subprocess.run(
                    [sys.executable, str(replay), "--kubeconfig", str(state.kubeconfig), *sys.argv[1:]], check=False
                )
                return played.returncode
            finally:
                server.terminate()
                server.wait(60)
                show(log)


def wait(state: State, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (state.kubeconfig.exists() and Probe(state.pki).is_ready(f"https://127.0.0.1:{port(state)}")):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("the API server did not become ready")
        time.sleep(0.05)


def port(state: State) -> int:
    return state.load().ports["apiserver"]


def show(log: Path) -> None:
    """What the server had to say at WARNING or above: bugs, mostly."""
    lines = log.read_text(errors="replace").splitlines()[1:]  # the first tells where the kubeconfig was
    for line in lines[-40:]:
        print(f"apiserver: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
