"""The same cluster on another store: `podling store` in a process of its own, and a real etcd.

A third of the suite is run again, by its own functions; `cluster` is another one here.
"""

import os
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.conftest import BIN, Cluster, eventually, kubectls, running
from tests.e2e.test_atomicity import (
    test_a_killed_sandbox_takes_its_members_with_it_and_the_pod_comes_back_whole,
    test_a_killed_service_is_back_and_containers_never_notice,
    test_deletion_asks_waits_and_leaves_nothing,
)
from tests.e2e.test_bad_input import (
    test_a_body_over_three_megabytes_is_refused,
    test_a_pod_that_fits_nowhere_says_why_and_goes_when_it_can,
    test_two_writers_on_one_object_cannot_lose_a_change,
)
from tests.e2e.test_kubectl import (
    either,
    test_apply_twice_changes_only_what_was_changed,
    test_run_get_label_annotate_patch_delete,
    test_watch_shows_each_change,
)
from tests.e2e.test_life_of_a_cluster import listens
from tests.e2e.test_restart_policies import test_a_pod_that_may_end_ends
from tests.e2e.test_sharing import test_the_environment_comes_from_where_the_manifest_says
from tests.e2e.test_source_document import hello, test_describe_tells_its_story

__all__ = [
    "either",
    "hello",
    "test_a_body_over_three_megabytes_is_refused",
    "test_a_killed_sandbox_takes_its_members_with_it_and_the_pod_comes_back_whole",
    "test_a_killed_service_is_back_and_containers_never_notice",
    "test_a_pod_that_fits_nowhere_says_why_and_goes_when_it_can",
    "test_a_pod_that_may_end_ends",
    "test_apply_twice_changes_only_what_was_changed",
    "test_deletion_asks_waits_and_leaves_nothing",
    "test_describe_tells_its_story",
    "test_run_get_label_annotate_patch_delete",
    "test_the_environment_comes_from_where_the_manifest_says",
    "test_two_writers_on_one_object_cannot_lose_a_change",
    "test_watch_shows_each_change",
]


@pytest.fixture(scope="module", params=["podling store", "etcd"])
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    if request.param == "etcd":
        address = f"http://{request.getfixturevalue('etcd_address')}"
        with running(made, request, "--etcd-servers", address):
            yield made
        return
    command = [str(BIN / "podling"), "store"]
    with subprocess.Popen(command, env=made.environment, stderr=subprocess.DEVNULL) as store:
        try:
            eventually(lambda: made.state.exists and listens(made.state.load().ports["etcd"]))
            address = f"https://127.0.0.1:{made.state.load().ports['etcd']}"
            with running(made, request, "--etcd-servers", address):
                yield made
        finally:
            store.terminate()


@pytest.fixture
def program() -> str:
    """One kubectl is enough here."""
    return kubectls()[0]


def test_the_objects_are_in_that_store(cluster: Cluster, pods: Any) -> None:
    pods("create", "configmap", "kept", "--from-literal=a=b")
    [address] = cluster.state.load().etcd_servers
    pki = cluster.state.pki
    tls = ["--cacert", pki / "etcd-ca.crt", "--cert", pki / "etcd-client.crt", "--key", pki / "etcd-client.key"]
    command = ["etcdctl", "--endpoints", address, *(tls if address.startswith("https") else [])]
    found = subprocess.run(
        [*command, "get", "--print-value-only", f"/registry/configmaps/{pods.namespace}/kept"],
        env={**os.environ, "ETCDCTL_API": "3"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"a":"b"' in found.stdout
