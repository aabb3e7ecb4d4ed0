"""`podling why`: the scheduler's own words about a pod."""

from typing import Any

from tests.e2e.manifests import FOREVER, pod


def test_a_pod_that_fits_nowhere_is_explained_node_by_node(cluster: Any, pods: Any) -> None:
    pods.create(pod("picky", "sh", "-c", FOREVER, nodeSelector={"disk": "ssd"}))

    def explained() -> bool:
        done = cluster.podling("why", "picky", "-n", pods.namespace, check=False)
        return "0/1 nodes are available" in done.stdout and "NodeAffinity" in done.stdout

    pods.eventually(explained)


def test_a_pod_that_runs_shows_its_nodes_scores(cluster: Any, pods: Any) -> None:
    pods.create(pod("placed", "sh", "-c", FOREVER))
    pods.running("placed")
    told = cluster.podling("why", "placed", "-n", pods.namespace).stdout
    assert "NodeResourcesFit" in told


def test_a_pod_that_does_not_exist_is_said(cluster: Any) -> None:
    done = cluster.podling("why", "nobody", check=False)
    assert (done.returncode, done.stderr) == (1, 'podling: pods "nobody" not found\n')
