"""kubectl cp: both ways, folders, links, permissions, odd names, byte for byte."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually, kubectls
from tests.e2e.manifests import FOREVER, manifest, shell
from tests.e2e.streaming import PROTOCOLS, Client

LARGE_BYTES = {"websocket": 50 << 20, "spdy": 20 << 20}


@pytest.fixture(scope="module")
def ground(cluster: Cluster) -> Iterator[Pods]:
    namespace = f"copy-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", namespace)
    pods = Pods(cluster.kubectl, namespace, eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    pods.create(manifest("box", [shell(FOREVER), shell(FOREVER, "second")]))
    pods.running("box")
    yield pods
    cluster.kubectl("delete", "namespace", namespace, "--wait=false", check=False)


@pytest.fixture(params=PROTOCOLS)
def client(request: pytest.FixtureRequest, cluster: Cluster, ground: Pods) -> Client:
    return Client(kubectls()[-1], cluster.environment, ground.namespace, request.param)


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def test_a_large_file_goes_there_and_back_unchanged(client: Client, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(LARGE_BYTES[client.protocol]))
    client("cp", str(there), "box:/tmp/large", "-c", "app")
    client("cp", "box:/tmp/large", str(back), "-c", "app")
    assert digest(back) == digest(there)


def test_a_folder_keeps_names_permissions_and_links(client: Client, tmp_path: Path) -> None:
    folder, there = tmp_path / "some folder", f"/tmp/copied-{client.protocol}"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "with space.txt").write_text("space")
    (folder / "deep" / "ünïcode").write_text("unicode")
    (folder / "deep" / "deeper" / "empty").touch()
    runs = folder / "runs.sh"
    runs.write_text("#!/bin/sh\necho it runs\n")
    runs.chmod(0o750)
    (folder / "link").symlink_to("deep/deeper")
    client("cp", str(folder), f"box:{there}", "-c", "second")
    listed = client("exec", "box", "-c", "second", "--", "sh", "-c", f"cd {there}; ./runs.sh; find . | sort")
    expected = "it runs . ./deep ./deep/deeper ./deep/deeper/empty ./deep/ünïcode ./link ./runs.sh ./with space.txt"
    assert listed.stdout.decode().replace("\n", " ").strip() == expected
    assert client("exec", "box", "-c", "second", "--", "readlink", f"{there}/link").stdout == b"deep/deeper\n"
    back = tmp_path / "back"
    done = client("cp", f"box:{there}", str(back), "-c", "second")
    assert (back / "with space.txt").read_text() == "space"
    assert (back / "deep" / "ünïcode").read_text() == "unicode"
    assert b"skipping symlink" in done.stderr and not (back / "link").exists()  # kubectl's own rule on the way back
