"""Webhook configurations and APIServices: defaults and rules. Words: golden groups-cluster, and Kubernetes' sources."""

from typing import Any

import pytest

from apiserver.kinds.admissionregistration.webhook_configuration import (
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
)
from apiserver.kinds.apiregistration.api_service import API_SERVICE

Object = dict[str, Any]

GOOD: Object = {
    "name": "a.example.com",
    "clientConfig": {"url": "https://h/x"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
RULE: Object = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def configuration(*hooks: Object) -> Object:
    return {"metadata": {"name": "c"}, "webhooks": list(hooks)}


def wrong(**changes: Any) -> list[str]:
    hook = {**GOOD, **changes}
    return [str(each) for each in MUTATING_WEBHOOK_CONFIGURATION.validate_create(configuration(hook))]


def ruled(**changes: Any) -> list[str]:
    return [each.removeprefix("webhooks[0].rules[0].") for each in wrong(rules=[{**RULE, **changes}])]


def test_what_is_left_out_gets_its_default() -> None:
    made = configuration({**GOOD, "clientConfig": {"service": {"name": "s", "namespace": "d"}}, "rules": [{**RULE}]})
    MUTATING_WEBHOOK_CONFIGURATION.default(made)
    (hook,) = made["webhooks"]
    assert hook["clientConfig"]["service"]["port"] == 443
    assert hook["rules"][0]["scope"] == "*"
    assert {name: hook[name] for name in ("failurePolicy", "matchPolicy", "timeoutSeconds", "reinvocationPolicy")} == {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }
    assert (hook["namespaceSelector"], hook["objectSelector"]) == ({}, {})
    other = configuration({**GOOD})
    VALIDATING_WEBHOOK_CONFIGURATION.default(other)
    assert "reinvocationPolicy" not in other["webhooks"][0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"name": ""}, ["webhooks[0].name: Required value"]),
        (
            {"name": "a.b"},
            [
                'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by '
                "dots"
            ],
        ),
        (
            {"sideEffects": None},
            ["webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"],
        ),
        (
            {"sideEffects": "Some"},
            ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
        ),
        (
            {"timeoutSeconds": 31},
            ["webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
        ),
        (
            {"reinvocationPolicy": "Always"},
            ['webhooks[0].reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"'],
        ),
        (
            {"clientConfig": {"url": "https://u@h/", "service": None}},
            [
                'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
            ],
        ),
        (
            {"clientConfig": {"service": {"name": "s", "namespace": "d", "port": 443, "path": "x//y"}}},
            [
                "webhooks[0].clientConfig.service.path: Invalid value: \"x//y\": must start with a '/'",
                'webhooks[0].clientConfig.service.path: Invalid value: "x//y": segment[0] may not be empty',
                'webhooks[0].clientConfig.service.path: Invalid value: "x//y": segment[1] may not be empty',
            ],
        ),
        (
            {"admissionReviewVersions": ["v9"]},
            ['webhooks[0].admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
        ),
        (
            {"admissionReviewVersions": ["v1", "v1"]},
            ['webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version'],
        ),
        (
            {"objectSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            [
                'webhooks[0].objectSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector '
                "operator"
            ],
        ),
        (
            {"matchConditions": [{"name": "a", "expression": "true"}, {"name": "a", "expression": " "}]},
            [
                "webhooks[0].matchConditions[1].expression: Required value",
                'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
            ],
        ),
    ],
)
def test_a_webhook_is_held_against_the_rules_of_kubernetes(changes: Object, words: list[str]) -> None:
    assert wrong(**changes) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"operations": []}, ["operations: Required value"]),
        (
            {"operations": ["*", "CREATE"]},
            ['operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations'],
        ),
        ({"apiVersions": ["v1", ""]}, ["apiVersions[1]: Required value"]),
        ({"resources": [""]}, ["resources[0]: Required value"]),
        (
            {"resources": ["pods/*", "pods/exec"]},
            ["resources[1]: Invalid value: \"pods/exec\": if 'pods/*' is present, must not specify pods/exec"],
        ),
        (
            {"resources": ["*/scale", "pods/scale"]},
            ["resources[1]: Invalid value: \"pods/scale\": if '*/scale' is present, must not specify pods/scale"],
        ),
        (
            {"resources": ["*", "pods"]},
            [
                'resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without '
                "subresources"
            ],
        ),
        ({"resources": ["*", "pods/exec"]}, []),
        ({"scope": "Here"}, ['scope: Unsupported value: "Here": supported values: "*", "Cluster", "Namespaced"']),
    ],
)
def test_a_rule_is_held_against_the_rules_of_kubernetes(changes: Object, words: list[str]) -> None:
    assert ruled(**changes) == words


def test_an_update_is_not_held_to_what_the_old_object_broke_already() -> None:
    old = configuration({**GOOD, "sideEffects": "Some", "admissionReviewVersions": ["v9"]}, GOOD, GOOD)
    new = configuration({**old["webhooks"][0], "timeoutSeconds": 3}, GOOD, GOOD)
    assert VALIDATING_WEBHOOK_CONFIGURATION.validate_update(new, old) == []
    fresh = VALIDATING_WEBHOOK_CONFIGURATION.validate_create(new)
    assert [each.field for each in fresh] == [
        "webhooks[0].sideEffects",
        "webhooks[0].admissionReviewVersions",
        "webhooks[1].name",
        "webhooks[2].name",
    ]


def api_service(**spec: Any) -> Object:
    made = {"group": "g.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10, **spec}
    return {"metadata": {"name": f"{made['version']}.{made['group']}"}, "spec": made}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, []),
        (
            {"caBundle": "bm9wZQ=="},
            ['spec.caBundle: Invalid value: "4 bytes": local APIServices may not have a caBundle'],
        ),
        (
            {"insecureSkipTLSVerify": True},
            [
                "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
            ],
        ),
        (
            {"service": {"name": "s", "port": 443}},
            ["spec.service.namespace: Required value"],
        ),
        (
            {"groupPriorityMinimum": 20001, "versionPriority": 1001},
            [
                "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
                "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
            ],
        ),
        (
            {"group": "", "version": "v2"},
            ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
        ),
    ],
)
def test_an_api_service_is_held_against_the_rules_of_kubernetes(spec: Object, words: list[str]) -> None:
    assert [str(each) for each in API_SERVICE.validate(api_service(**spec))] == words


def test_the_columns_of_an_api_service_say_who_serves_and_whether() -> None:
    cells = {column.name: column.cell for column in API_SERVICE.columns}
    local, remote = api_service(), api_service(service={"name": "s", "namespace": "d"})
    assert (cells["Service"](local), cells["Service"](remote)) == ("Local", "d/s")
    assert cells["Available"](remote) == "Unknown"
    remote["status"] = {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}
    assert cells["Available"](remote) == "False (MissingEndpoints)"
    API_SERVICE.prepare_create(local)
    assert cells["Available"](local) == "True"
