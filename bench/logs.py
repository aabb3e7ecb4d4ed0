"""`kubectl logs` against `docker logs`, of the same container.

    python -m bench.logs [--times 15] [--lines 20000]

Once by the two HTTP APIs alone, on connections that are open already (TLS with a client certificate on ours), and once
by the two commands, their own start included. Rounds alternate in one run, medians count.
"""

import argparse
import base64
import http.client
import json
import os
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bench.cluster import NAME, PODLING, podling, wait_for
from bench.table import show

ENGINE = "/var/run/docker.sock"
POD = "talks"
LINE = "x" * 99
Read = Callable[[], int]


class UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(ENGINE)


def to_apiserver(kubeconfig: Path, folder: Path) -> http.client.HTTPSConnection:
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    for name, data in (
        ("ca", cluster["certificate-authority-data"]),
        ("crt", user["client-certificate-data"]),
        ("key", user["client-key-data"]),
    ):
        (folder / name).write_bytes(base64.b64decode(data))
    context = ssl.create_default_context(cafile=str(folder / "ca"))
    context.load_cert_chain(folder / "crt", folder / "key")
    where = urlsplit(cluster["server"])
    return http.client.HTTPSConnection(where.hostname or "", where.port, context=context)


def reader(connection: http.client.HTTPConnection, path: str) -> Read:
    def read() -> int:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
        return len(body)

    return read


def command(*words: str, environment: dict[str, str]) -> Read:
    return lambda: len(subprocess.run(words, env=environment, check=True, capture_output=True).stdout)


def median_ms(pairs: list[tuple[Read, Read]], times: int) -> list[tuple[float, float]]:
    """Of both of each pair, in turns."""
    taken: list[tuple[list[float], list[float]]] = [([], []) for _ in pairs]
    for _ in range(times + 1):
        for (ours, theirs), (first, second) in zip(pairs, taken, strict=True):
            for read, into in ((ours, first), (theirs, second)):
                start = time.perf_counter()
                read()
                into.append((time.perf_counter() - start) * 1000)
    return [(statistics.median(first[1:]), statistics.median(second[1:])) for first, second in taken]


def manifest(lines: int) -> str:
    script = f"yes {LINE} | head -n {lines}; exec sleep 3600"
    image = {"image": "busybox", "imagePullPolicy": "IfNotPresent"}
    container = {"name": "app", "command": ["sh", "-c", script], **image}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec})


def main(times: int, lines: int) -> None:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as name:
        folder = Path(name)
        environment = os.environ | {"XDG_STATE_HOME": name, "KUBECONFIG": f"{name}/config"}

        def kubectl(*arguments: str, stdin: str = "") -> str:
            words = [PODLING, "kubectl", "--name", NAME, *arguments]
            return subprocess.run(
                words, env=environment, input=stdin, check=True, capture_output=True, text=True
            ).stdout

        try:
            podling("up", "--name", NAME, environment=environment)
            kubectl("create", "-f", "-", stdin=manifest(lines))
            wait_for("pod running", lambda: " Running " in kubectl("get", "pods", "--no-headers"))
            wait_for("log written", lambda: kubectl("logs", POD).count("\n") == lines)
            path = "{.status.containerStatuses[0].containerID}"
            id = kubectl("get", "pod", POD, "-o", f"jsonpath={path}").removeprefix("docker://")
            api, engine = to_apiserver(folder / "config", folder), UnixConnection("docker")
            log, its = f"/api/v1/namespaces/default/pods/{POD}/log", f"/containers/{id}/logs?stdout=1&stderr=1"
            rows = [
                ("API, --tail=10", reader(api, f"{log}?tailLines=10"), reader(engine, f"{its}&tail=10")),
                (f"API, {lines * 100 / 1e6:.0f} MB", reader(api, log), reader(engine, its)),
                (
                    "command, --tail=10",
                    command("kubectl", "logs", POD, "--tail=10", environment=environment),
                    command("docker", "logs", "--tail", "10", id, environment=environment),
                ),
                (
                    f"command, {lines * 100 / 1e6:.0f} MB",
                    command("kubectl", "logs", POD, environment=environment),
                    command("docker", "logs", id, environment=environment),
                ),
            ]
            found = median_ms([(ours, theirs) for _, ours, theirs in rows], times)
        finally:
            podling("down", "--name", NAME, "--delete", environment=environment)
    table = [(row[0], ours, theirs, ours / theirs) for row, (ours, theirs) in zip(rows, found, strict=True)]
    show("Logs", ["what", "kubectl logs, ms", "docker logs, ms", "ratio"], table)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, default=15)
    options.add_argument("--lines", type=int, default=20_000)
    chosen = options.parse_args()
    main(chosen.times, chosen.lines)
