"""Static pods: from a directory and by HTTP, with an API server and without one."""

import json
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker as sdk
import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods, ready
from tests.e2e.conftest import BIN, Cluster, eventually, running
from tests.e2e.containers import Containers
from tests.e2e.manifests import FOREVER, manifest, pod, shell


class Web:
    """Serves `body`, to those who show the token."""

    def __init__(self) -> None:
        self.body = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                allowed = self.headers.get("X-Token") == "secret"
                self.send_response(200 if allowed else 403)
                self.end_headers()
                self.wfile.write(outer.body if allowed else b"no")

            def log_message(self, format: str, *args: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/pods"


class Place:
    def __init__(self, folder: Path, cluster: Cluster, web: Web) -> None:
        self.folder, self.cluster, self.web = folder, cluster, web

    def write(self, name: str, text: str) -> None:
        (self.folder / f".{name}").write_text(text)
        os.replace(self.folder / f".{name}", self.folder / name)


@pytest.fixture(scope="module")
def place(engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Place]:
    folder, web = tmp_path_factory.mktemp("manifests"), Web()
    web.body = pod("remote", "sh", "-c", FOREVER).encode()
    configuration = {
        "staticPodPath": str(folder),
        "staticPodURL": web.url,
        "staticPodURLHeader": {"X-Token": ["secret"]},
        "httpCheckFrequency": "1s",
    }
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    (folder.parent / "kubelet.yaml").write_text(json.dumps(configuration))
    (folder / "web.yaml").write_text(served("first"))
    with running(made, request, "--kubelet-config", str(folder.parent / "kubelet.yaml")):
        yield Place(folder, made, web)
    web.server.shutdown()
    web.server.server_close()


def served(word: str) -> str:
    script = f"echo {word}; echo {word} > index.html; httpd -p 8080; {FOREVER}"
    return manifest("web", [shell(script)])


@pytest.fixture
def pods(place: Place) -> Pods:
    return Pods(place.cluster.kubectl, "default", eventually)


def runs(pods: Pods, name: str) -> None:
    """The mirror is made a moment after its pod."""
    pods.eventually(lambda: pods("get", "pod", name, check=False).returncode == 0)
    pods.until(name, ready)


def test_a_static_pod_is_shown_logged_and_entered_by_its_mirrors_name(pods: Pods) -> None:
    runs(pods, "web-n1")
    found = pods.get("web-n1")
    annotations = found["metadata"]["annotations"]
    assert annotations["kubernetes.io/config.source"] == "file"
    assert annotations["kubernetes.io/config.mirror"] == annotations["kubernetes.io/config.hash"]
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Node"
    assert pods("logs", "web-n1").stdout == "first\n"
    assert pods.exec("web-n1", "cat", "index.html").stdout == "first\n"
    assert "Started" in pods.described("web-n1")
    runs(pods, "remote-n1")
    assert pods.get("remote-n1")["metadata"]["annotations"]["kubernetes.io/config.source"] == "http"


def test_deleting_the_mirror_touches_no_container(pods: Pods, docker: Containers) -> None:
    pods.until("web-n1", ready)
    before = pods.get("web-n1")
    containers = docker.of_pod(before["metadata"]["annotations"]["kubernetes.io/config.hash"])
    pods("delete", "pod", "web-n1")
    runs(pods, "web-n1")
    after = pods.get("web-n1")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    hashed = after["metadata"]["annotations"]["kubernetes.io/config.hash"]
    assert docker.of_pod(hashed) == containers
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    assert after["status"]["startTime"] == before["status"]["startTime"]


def test_a_container_that_dies_is_started_again_and_the_mirror_counts(pods: Pods, docker: Containers) -> None:
    pods.until("web-n1", ready)
    [status] = pods.get("web-n1")["status"]["containerStatuses"]
    docker.kill(status["containerID"].removeprefix("docker://"))
    pods.until("web-n1", lambda pod: ready(pod) and pod["status"]["containerStatuses"][0]["restartCount"] == 1)


def test_manifests_are_followed_and_bad_ones_are_told_of(place: Place, pods: Pods) -> None:
    pods.until("web-n1", ready)
    place.write("bad.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: bad}\nspec: {containers: [{name: x}]}\n")
    place.write("web.yaml", served("second"))
    place.web.body = b""
    pods.eventually(lambda: pods("logs", "web-n1", check=False).stdout == "second\n")
    runs(pods, "web-n1")
    pods.eventually(lambda: any("image of container x: Required value" in told for told in complaints(pods)))
    pods.eventually(lambda: any("zero-length data received" in told for told in complaints(pods)))
    assert pods.phase("remote-n1") == "Running", "what cannot be had changes nothing"
    (place.folder / "web.yaml").unlink()
    (place.folder / "bad.yaml").unlink()
    pods.gone("web-n1")


def complaints(pods: Pods) -> list[str]:
    items = json.loads(pods("get", "events", "-o", "json").stdout)["items"]
    return [item["message"] for item in items if item["reason"] == "FailedValidation"]


def test_a_static_pod_needs_no_api_server(engine: Engine, tmp_path: Path) -> None:
    """A kubelet alone, whose API server was never started."""
    cluster = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path)
    folder = cluster.state.manifests("n1")
    folder.mkdir(parents=True)
    (folder / "web.yaml").write_text(pod("web", "sh", "-c", FOREVER))
    kubelet = subprocess.Popen(
        [str(BIN / "podling"), "kubelet"],
        env=cluster.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    api = sdk.APIClient(version="auto")

    def names(**filters: str) -> list[str]:
        labels = {"label": f"podling.cluster={cluster.name}", **filters}
        return sorted(each["Names"][0].split("_")[1] for each in api.containers(filters=labels))

    try:
        eventually(lambda: names() == ["POD", "app"])
        (folder / "web.yaml").unlink()
        eventually(lambda: names() == [])
    finally:
        kubelet.send_signal(signal.SIGTERM)
        kubelet.wait(60)
        cluster.podling("down", "--delete", check=False)
        api.close()
