"""Nodes whose range changed are made anew; the others are left alone."""

import json
from typing import Any

from podling.cli.probe import Answer, Probe
from podling.cli.readdress import anew, readdress
from podling.state import Cluster, Node

OLD = {
    "metadata": {
        "name": "n1",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"disk": "ssd"},
        "annotations": {"a": "b"},
    },
    "spec": {
        "podCIDR": "10.244.0.0/24",
        "podCIDRs": ["10.244.0.0/24"],
        "taints": [{"key": "mine", "effect": "NoSchedule"}],
        "unschedulable": True,
    },
    "status": {"conditions": []},
}


class FakeProbe(Probe):
    def __init__(self, nodes: dict[str, Any]) -> None:
        self.nodes_there, self.asked = nodes, []  # type: ignore[var-annotated]

    def ask(self, method: str, url: str, body: bytes | None = None) -> Answer | None:
        self.asked.append((method, url, json.loads(body) if body else None))
        found = self.nodes_there.get(url.rpartition("/")[2])
        return Answer(200, json.dumps(found).encode()) if found else Answer(404, b"{}")


def test_what_others_wrote_on_a_node_is_kept() -> None:
    assert anew(OLD, "10.245.0.0/24") == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "labels": {"disk": "ssd"}, "annotations": {"a": "b"}},
        "spec": {
            "podCIDR": "10.245.0.0/24",
            "podCIDRs": ["10.245.0.0/24"],
            "taints": [{"key": "mine", "effect": "NoSchedule"}],
            "unschedulable": True,
        },
    }


def test_only_nodes_of_another_range_are_made_anew() -> None:
    nodes = [Node(f"n{number}", 1, 2, f"10.245.{number - 1}.0/24") for number in (1, 2, 3)]
    right = {"metadata": {"name": "n2"}, "spec": {"podCIDR": "10.245.1.0/24"}}
    probe = FakeProbe({"n1": OLD, "n2": right})
    cluster = Cluster("c1", {}, "10.245.0.0/16", tuple(nodes))
    assert readdress(probe, "https://api", cluster) == ["n1"]
    assert [(method, url) for method, url, _ in probe.asked if method != "GET"] == [
        ("DELETE", "https://api/api/v1/nodes/n1"),
        ("POST", "https://api/api/v1/nodes"),
    ]
