"""Which flow schema a request matches."""

from dataclasses import replace

import pytest

from apiserver.fairness.flows import classify, ordered
from apiserver.kinds.flowcontrol.presets import SCHEMAS
from apiserver.request import Attributes, User

ANN = User("ann", ("system:authenticated",))
NODE = User("system:node:n1", ("system:nodes", "system:authenticated"))
ADMIN = User("admin", ("system:masters", "system:authenticated"))
BOT = User("system:serviceaccount:kube-system:bot", ("system:serviceaccounts", "system:authenticated"))
APP = User("system:serviceaccount:shop:app", ("system:serviceaccounts", "system:authenticated"))
MANAGER = User("system:kube-controller-manager", ("system:authenticated",))
PODS = Attributes(ANN, "list", "", "v1", "pods", namespace="shop")
LEASE = Attributes(ANN, "update", "coordination.k8s.io", "v1", "leases", namespace="kube-node-lease", name="n1")


@pytest.mark.parametrize(
    ("asked", "schema", "distinguisher"),
    [
        (PODS, "global-default", "ann"),
        (replace(PODS, user=ADMIN), "exempt", ""),
        (replace(PODS, user=NODE), "system-nodes", "system:node:n1"),
        (replace(LEASE, user=NODE), "system-node-high", "system:node:n1"),
        (replace(PODS, user=NODE, verb="update", resource="nodes", subresource="status", namespace=""),
         "system-node-high", "system:node:n1"),
        (replace(LEASE, user=MANAGER), "system-leader-election", "system:kube-controller-manager"),
        (replace(PODS, user=MANAGER), "kube-controller-manager", "shop"),
        (replace(PODS, user=MANAGER, verb="create", resource="endpoints"), "endpoint-controller",
         "system:kube-controller-manager"),
        (replace(PODS, user=BOT), "kube-system-service-accounts", "shop"),
        (replace(PODS, user=APP), "service-accounts", "system:serviceaccount:shop:app"),
        (Attributes(ANN, "get", path="/healthz"), "probes", ""),
        (Attributes(ANN, "get", path="/version"), "global-default", "ann"),
    ],
)  # fmt: skip
def test_the_first_schema_that_matches_counts(asked: Attributes, schema: str, distinguisher: str):
    found = classify(ordered(SCHEMAS), asked)
    assert found is not None
    assert (found.schema["metadata"]["name"], found.distinguisher) == (schema, distinguisher)


def test_a_rule_of_namespaces_does_not_mean_what_has_none():
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    subjects = [{"kind": "User", "user": {"name": "*"}}]
    schema = {"metadata": {"name": "a"}, "spec": {"rules": [{"subjects": subjects, "resourceRules": [rule]}]}}
    assert classify([schema], PODS) is not None
    assert classify([schema], replace(PODS, namespace="")) is None
    rule["clusterScope"] = True  # type: ignore[assignment]
    assert classify([schema], replace(PODS, namespace="")) is not None


@pytest.mark.parametrize(
    ("url", "path", "does"), [("/a/*", "/a/b/c", True), ("/a/*", "/ab", False), ("/a", "/a", True)]
)
def test_paths_match_whole_or_by_their_beginning(url: str, path: str, does: bool):
    rules = {"subjects": [{"kind": "Group", "group": {"name": "*"}}],
             "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": [url]}]}  # fmt: skip
    schema = {"metadata": {"name": "a"}, "spec": {"rules": [rules]}}
    assert (classify([schema], Attributes(ANN, "get", path=path)) is not None) == does
