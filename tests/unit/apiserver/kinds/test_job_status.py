"""What a Job's status may say. Words: kubernetes/pkg/apis/batch/validation."""

from typing import Any

import pytest

from apiserver.kinds.batch.job_status import validate_status

START, END = "2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z"
WRONG = "Invalid value: "


def holds(*types: str) -> list[dict[str, str]]:
    return [{"type": each, "status": "True"} for each in types]


COMPLETE = {"startTime": START, "completionTime": END, "conditions": holds("SuccessCriteriaMet", "Complete")}
INDEXED = {"completionMode": "Indexed", "completions": 5, "parallelism": 2, "backoffLimitPerIndex": 1}


@pytest.mark.parametrize(
    ("spec", "was", "now", "wrong"),
    [
        ({}, {}, COMPLETE, []),
        ({}, {}, {"active": -1}, [f"active: {WRONG}-1: must be greater than or equal to 0"]),
        (
            {},
            {},
            {"completionTime": END},
            [f'completionTime: {WRONG}"{END}": cannot set completionTime when there is no Complete=True condition'],
        ),
        (
            {},
            {},
            {"conditions": holds("Failed")},
            [
                "conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
                "startTime: Required value: startTime is required for finished job",
            ],
        ),
        (
            {},
            {},
            {**COMPLETE, "active": 1, "terminating": 2},
            [
                f"active: {WRONG}1: active>0 is invalid for finished job",
                f"terminating: {WRONG}2: terminating>0 is invalid for finished job",
            ],
        ),
        ({}, {}, {"ready": 2, "active": 1}, [f"ready: {WRONG}2: cannot set more ready pods than active"]),
        (
            {},
            {"startTime": START, "failed": 2},
            {},
            [
                f"failed: {WRONG}0: cannot decrease the failed counter",
                "startTime: Required value: startTime cannot be removed for unsuspended job",
            ],
        ),
        (
            {},
            COMPLETE,
            {"startTime": START},
            [
                "conditions: Invalid value: cannot disable the terminal Complete=True condition",
                "conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
            ],
        ),
        (
            {},
            {},
            {"failedIndexes": "1"},
            [f'failedIndexes: {WRONG}"1": cannot set non-null failedIndexes when backoffLimitPerIndex is null'],
        ),
        (
            INDEXED,
            {},
            {"completedIndexes": "0-2", "failedIndexes": "2,4"},
            [f'failedIndexes: {WRONG}"2,4": failedIndexes and completedIndexes overlap at index: 2'],
        ),
        (
            INDEXED,
            {},
            {"completedIndexes": "7"},
            [f'completedIndexes: {WRONG}"7": error parsing completedIndexes: too large index: "7"'],
        ),
        (
            {},
            {},
            {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a", ""]}},
            [
                'uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
                f'uncountedTerminatedPods.failed[1]: {WRONG}"": must not be empty',
            ],
        ),
    ],
)
def test_a_status_says_nothing_that_cannot_be(
    spec: dict[str, Any], was: dict[str, Any], now: dict[str, Any], wrong: list[str]
) -> None:
    errors = validate_status({"spec": spec, "status": now}, {"spec": spec, "status": was})
    assert [str(error).removeprefix("status.") for error in errors] == wrong
