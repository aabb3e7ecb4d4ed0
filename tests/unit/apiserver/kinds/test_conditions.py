"""Conditions of meta.v1. Words: k8s.io/apimachinery/pkg/apis/meta/v1/validation."""

from typing import Any

import pytest

from apiserver.kinds.conditions import validate_conditions
from apiserver.kinds.policy.pod_disruption_budget import POD_DISRUPTION_BUDGET
from podling.api.field import Path

GOOD = {"type": "Ready", "status": "True", "reason": "Because", "lastTransitionTime": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"reason": "A:B,c_9"}, []),
        ({"status": "Maybe"}, ['status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"']),
        ({"observedGeneration": -1}, ["observedGeneration: Invalid value: -1: must be greater than or equal to zero"]),
        ({"lastTransitionTime": None}, ["lastTransitionTime: Required value: must be set"]),
        ({"reason": ""}, ["reason: Required value: must be set"]),
        ({"reason": "x" * 1025}, ["reason: Too long: may not be more than 1024 bytes"]),
        ({"message": "x" * 32769}, ["message: Too long: may not be more than 32768 bytes"]),
    ],
)
def test_a_condition_says_what_since_when_and_why(changes: dict[str, Any], wrong: list[str]) -> None:
    found = [str(error) for error in validate_conditions([{**GOOD, **changes}], Path("c"))]
    assert found == [f"c[0].{words}" for words in wrong]


def test_a_reason_is_a_word() -> None:
    errors = [str(error) for error in validate_conditions([{**GOOD, "reason": "not so"}], Path("c"))]
    assert len(errors) == 1
    assert errors[0].endswith(
        "'_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used "
        "for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
    )


def test_the_conditions_of_a_disruption_budget_stand_once() -> None:
    status = POD_DISRUPTION_BUDGET.subresource("status")
    assert status is not None
    new = {"status": {"conditions": [GOOD, GOOD], "currentHealthy": -1}}
    assert [str(error) for error in status.validate_update(new, {})] == [
        'status.conditions[1].type: Duplicate value: "Ready"',
        "status.currentHealthy: Invalid value: -1: must be greater than or equal to 0",
    ]
