"""FlowSchema and PriorityLevelConfiguration. Words: golden groups-cluster."""

from copy import deepcopy
from typing import Any

import pytest

from apiserver.kinds.flowcontrol.flow_schema import FLOW_SCHEMA
from apiserver.kinds.flowcontrol.presets import LEVELS, SCHEMAS
from apiserver.kinds.flowcontrol.priority_level import PRIORITY_LEVEL
from apiserver.kinds.kind import Kind, Object


def wrong(kind: Kind, name: str, spec: Object) -> list[str]:
    obj = {"metadata": {"name": name}, "spec": spec}
    kind.default(obj)
    return [str(error) for error in kind.validate(obj)]


def level(**limited: Any) -> Object:
    response = {"type": "Queue", "queuing": {}}
    return {"type": "Limited", "limited": {"limitResponse": response, **limited}}


def flow(rule: Object | None = None, **spec: Any) -> Object:
    rule = rule or {"subjects": [{"kind": "User", "user": {"name": "ann"}}], "nonResourceRules": [paths("/x")]}
    return {"priorityLevelConfiguration": {"name": "some"}, "rules": [rule], **spec}


def paths(*urls: str) -> Object:
    return {"verbs": ["get"], "nonResourceURLs": list(urls)}


@pytest.mark.parametrize("wanted", [*LEVELS, *SCHEMAS], ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_what_every_cluster_has_is_valid_and_needs_no_defaults(wanted: Object) -> None:
    kind = PRIORITY_LEVEL if wanted["kind"] == "PriorityLevelConfiguration" else FLOW_SCHEMA
    obj = deepcopy(wanted)
    kind.default(obj)
    assert obj == wanted
    assert kind.validate(obj) == []


def test_a_levels_queues_and_shares_have_defaults() -> None:
    obj = {"metadata": {"name": "a"}, "spec": level()}
    PRIORITY_LEVEL.default(obj)
    limited = obj["spec"]["limited"]
    assert (limited["nominalConcurrencyShares"], limited["lendablePercent"]) == (30, 0)
    assert limited["limitResponse"]["queuing"] == {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"type": "Limited"}, "spec.limited: Required value: must not be empty when type is Limited"),
        ({"type": "Some"}, 'spec.type: Unsupported value: "Some": supported values: "Exempt", "Limited"'),
        ({**level(), "exempt": {}}, "spec.exempt: Forbidden: must be nil if the type is Limited"),
        (
            level(borrowingLimitPercent=-1),
            "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
        ),
        (
            level(limitResponse={"type": "Queue", "queuing": {"queues": 1024, "handSize": 8}}),
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 1024 and "
            "handSize 8 should not be greater than 60",
        ),
        (
            level(limitResponse={"type": "Queue", "queuing": {"queues": 4, "handSize": 5}}),
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)",
        ),
        (
            level(limitResponse={"type": "Queue"}),
            "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is "
            "Limited",
        ),
    ],
)
def test_a_level_that_makes_no_sense_is_told_why(spec: Object, words: str) -> None:
    assert wrong(PRIORITY_LEVEL, "a", spec) == [words]


def test_what_is_mandatory_stays_as_it_is() -> None:
    assert wrong(PRIORITY_LEVEL, "catch-all", level()) == [
        'spec: Invalid value: {"Type":"Limited","Limited":{"NominalConcurrencyShares":30,"LimitResponse":{"Type":'
        '"Queue","Queuing":{"Queues":64,"HandSize":8,"QueueLengthLimit":50}},"LendablePercent":0,'
        '"BorrowingLimitPercent":null},"Exempt":null}: spec of \'catch-all\' must equal the fixed value'
    ]
    assert wrong(PRIORITY_LEVEL, "exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 5}}) == []
    assert wrong(FLOW_SCHEMA, "exempt", flow(matchingPrecedence=1))[0].endswith("must equal the fixed value")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            flow(matchingPrecedence=1),
            "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
        ),
        (
            flow({"subjects": [{"kind": "Robot"}], "nonResourceRules": [paths("/")]}),
            'spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", '
            '"User"',
        ),
        (
            flow({"subjects": [{"kind": "Group", "group": {"name": "a"}, "user": {"name": "b"}}],
                  "nonResourceRules": [paths("/a//b")]}),
            "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'; "
            "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"/a//b\": must not contain double "
            "slash",
        ),
        (
            flow({"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}],
                  "resourceRules": [{"verbs": ["get", "*"], "apiGroups": [""], "resources": ["*", "pods"]}]}),
            "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service "
            "account; spec.rules[0].resourceRules[0].verbs: Invalid value: [\"get\",\"*\"]: if '*' is present, "
            "must not specify other verbs; "
            "spec.rules[0].resourceRules[0].resources: Invalid value: [\"*\",\"pods\"]: if '*' is "
            "present, must not specify other resources; spec.rules[0].resourceRules[0].namespaces: Required value: "
            "resource rules that are not cluster scoped must supply at least one namespace",
        ),
    ],
)  # fmt: skip
def test_a_flow_schema_that_makes_no_sense_is_told_why(spec: Object, words: str) -> None:
    assert "; ".join(wrong(FLOW_SCHEMA, "a", spec)) == words


def test_a_table_of_flow_schemas_is_in_the_order_in_which_they_match() -> None:
    order = FLOW_SCHEMA.row_order
    assert order is not None
    assert [each["metadata"]["name"] for each in sorted(SCHEMAS, key=order)][:3] == [
        *("exempt", "probes", "system-leader-election"),
    ]
