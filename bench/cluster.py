"""A whole cluster: how soon it is up, what it weighs, what it costs while nothing happens.

python -m bench.cluster [--pods 10] [--idle-seconds 20]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.process import cpu_seconds, descendants, pss_bytes
from bench.table import show

PODLING = str(Path(sys.executable).with_name("podling"))
NAME = "bench"
IMAGE = "busybox"
START_SECONDS = 60.0


def podling(*arguments: str, environment: dict[str, str]) -> str:
    return subprocess.run([PODLING, *arguments], env=environment, check=True, capture_output=True, text=True).stdout


def manifest(number: int) -> dict[str, object]:
    container = {"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}
    metadata = {"name": f"idle-{number}"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def wait_for(what: str, done: object, seconds: float = START_SECONDS) -> float:
    """Seconds until `done()` is true."""
    start = time.perf_counter()
    while not done():  # type: ignore[operator]
        if time.perf_counter() - start > seconds:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)
    return time.perf_counter() - start


def main(pods: int, idle_seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as folder:
        environment = os.environ | {"XDG_STATE_HOME": folder, "KUBECONFIG": f"{folder}/config"}

        def kubectl(*arguments: str, stdin: str = "") -> str:
            command = [PODLING, "kubectl", "--name", NAME, *arguments]
            return subprocess.run(
                command, env=environment, input=stdin, check=True, capture_output=True, text=True
            ).stdout

        try:
            rows = []
            for which in ("first start (certificates made)", "second start"):
                start = time.perf_counter()
                podling("up", "--name", NAME, environment=environment)
                rows.append((f"podling up until node Ready, {which}", f"{time.perf_counter() - start:.2f} s"))
                if which.startswith("first"):
                    podling("down", "--name", NAME, environment=environment)
            supervisor = json.loads((Path(folder) / "podling" / NAME / "supervisor.json").read_text())["pid"]
            rows.append(("memory of all services (PSS), no pods", f"{memory(supervisor):.0f} MiB"))
            listed = {"apiVersion": "v1", "kind": "List", "items": [manifest(number) for number in range(pods)]}
            kubectl("create", "-f", "-", stdin=json.dumps(listed))
            running = wait_for(
                "pods running", lambda: kubectl("get", "pods", "--no-headers").count(" Running ") == pods
            )
            rows.append((f"{pods} pods Running", f"{running:.2f} s"))
            time.sleep(5)  # what follows a start (events, status writes) is not idling
            pids = descendants(supervisor)
            before, start = {pid: cpu_seconds(pid) for pid in pids}, time.perf_counter()
            time.sleep(idle_seconds)
            seconds = time.perf_counter() - start
            used = sum(cpu_seconds(pid) - before[pid] for pid in pids)
            rows.append((f"idle CPU of all services, {pods} pods", f"{used / seconds * 100:.2f} % of one core"))
            rows.append((f"memory of all services (PSS), {pods} pods", f"{memory(supervisor):.0f} MiB"))
        finally:
            podling("down", "--name", NAME, "--delete", environment=environment)
    show("A cluster", ["what", "measured"], rows)


def memory(supervisor: int) -> float:
    return sum(pss_bytes(pid) for pid in descendants(supervisor)) / 2**20


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--pods", type=int, default=10)
    options.add_argument("--idle-seconds", type=float, default=20.0)
    chosen = options.parse_args()
    main(chosen.pods, chosen.idle_seconds)
