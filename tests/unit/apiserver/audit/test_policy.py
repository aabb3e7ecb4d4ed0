"""Which requests an audit policy tells of, and how much."""

from dataclasses import replace
from typing import Any

import pytest

from apiserver.audit.policy import PolicyError, check, told
from apiserver.request import Attributes, User

ANN = User("ann", ("dev", "system:authenticated"))
GET = Attributes(ANN, "get", "", "v1", "pods", "", "shop", "web")
LOG = replace(GET, subresource="log")
PAGE = Attributes(ANN, "get", path="/healthz/ping")


def policy(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return check({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more})


@pytest.mark.parametrize(
    ("rule", "asked", "does"),
    [
        ({}, GET, True),
        ({"users": ["ann"]}, GET, True),
        ({"users": ["bob"]}, GET, False),
        ({"userGroups": ["ops", "dev"]}, GET, True),
        ({"verbs": ["list"]}, GET, False),
        ({"namespaces": ["shop"]}, GET, True),
        ({"namespaces": ["shop"]}, PAGE, False),
        ({"namespaces": [""]}, GET, False),
        ({"resources": [{"group": ""}]}, GET, True),
        ({"resources": [{"group": "apps"}]}, GET, False),
        ({"resources": [{"resources": ["pods"]}]}, GET, True),
        ({"resources": [{"resources": ["pods"]}]}, LOG, False),
        ({"resources": [{"resources": ["pods/log"]}]}, LOG, True),
        ({"resources": [{"resources": ["pods/*"]}]}, LOG, True),
        ({"resources": [{"resources": ["*/log"]}]}, LOG, True),
        ({"resources": [{"resources": ["pods/*"]}]}, GET, True),
        ({"resources": [{"resources": ["pods"], "resourceNames": ["api"]}]}, GET, False),
        ({"nonResourceURLs": ["/healthz*"]}, PAGE, True),
        ({"nonResourceURLs": ["/healthz"]}, PAGE, False),
        ({"nonResourceURLs": ["*"]}, GET, False),
    ],
)
def test_a_rule_matches_by_who_asks_for_what(rule: dict[str, Any], asked: Attributes, does: bool) -> None:
    found = told(policy({**rule, "level": "Request"}), asked)
    assert found.level == ("Request" if does else "None")


def test_the_first_rule_counts_and_stages_that_are_left_out_add_up() -> None:
    found = told(
        policy(
            {"level": "None", "users": ["bob"]},
            {"level": "Metadata", "omitStages": ["ResponseStarted"], "omitManagedFields": False},
            {"level": "RequestResponse"},
            omitStages=["RequestReceived"],
            omitManagedFields=True,
        ),
        GET,
    )
    assert found == ("Metadata", frozenset({"RequestReceived", "ResponseStarted"}), False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "Policy"}, "an audit policy is of kind Policy, apiVersion audit.k8s.io/v1"),
        ({"rules": []}, "loaded illegal policy with 0 rules"),
        (
            {"rules": [{"level": "All"}]},
            'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata"',
        ),
        ({"rules": [{"level": "None"}], "omitStages": ["End"]}, 'omitStages[0]: Unsupported value: "End"'),
        ({"rules": [{"level": "None", "nonResourceURLs": ["x"]}]}, "must begin with a '/' character"),
        ({"rules": [{"level": "None", "nonResourceURLs": ["/a*b"]}]}, "'*' must be the final character of the rule"),
        ({"rules": [{"level": "None", "resources": [{"resourceNames": ["a"]}]}]}, "requires at least one resource"),
    ],
)
def test_a_policy_that_cannot_be_used_says_why(body: dict[str, Any], words: str) -> None:
    envelope = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy"} if "rules" in body else {}
    with pytest.raises(PolicyError) as refused:
        check({**envelope, **body})
    assert words in str(refused.value)
