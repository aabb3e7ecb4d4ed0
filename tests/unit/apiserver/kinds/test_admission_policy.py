"""ValidatingAdmissionPolicy: what may stand in its spec and in its status."""

from typing import Any

import pytest

from apiserver.kinds.admissionregistration.validating_admission_policy import VALIDATING_ADMISSION_POLICY as POLICY

Object = dict[str, Any]

RULE: Object = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def wrong(name: str = "p", **spec: Any) -> list[str]:
    whole = {"matchConstraints": {"resourceRules": [{**RULE}]}, "validations": [{"expression": "true"}], **spec}
    made: Object = {"metadata": {"name": name}, "spec": whole}
    POLICY.default(made)
    return [str(each) for each in POLICY.validate_create(made)]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, []),
        ({"failurePolicy": ""}, ['spec.failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"']),
        (
            {"matchConstraints": {"matchPolicy": "", "resourceRules": [{**RULE, "scope": ""}]}},
            [
                'spec.matchConstraints.matchPolicy: Unsupported value: "": supported values: "Equivalent", "Exact"',
                'spec.matchConstraints.resourceRules[0].scope: Unsupported value: "": supported values: "*", '
                '"Cluster", "Namespaced"',
            ],
        ),
    ],
)
def test_what_is_empty_is_not_left_out(spec: Object, words: list[str]) -> None:
    assert wrong(**spec) == words


def test_annotations_are_at_most_twenty_and_need_a_name() -> None:
    many = [{"key": f"k{number}", "valueExpression": "'v'"} for number in range(21)]
    (told,) = wrong(auditAnnotations=many)
    assert told.startswith("""spec.auditAnnotations: Invalid value: [{"Key":"k0","ValueExpression":"'v'"},""")
    (told,) = wrong("", auditAnnotations=many[:1])
    assert told == 'spec.auditAnnotations[0].key: Invalid value: "k0": requires metadata.name be non-empty'


def test_a_status_tells_its_warnings_and_conditions_in_full() -> None:
    (status,) = POLICY.subresources
    warnings = [{"warning": "w", "fieldRef": " "}, {"fieldRef": "spec"}]
    condition = {"type": "Ready", "status": "Maybe", "reason": "R", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    told = {"status": {"typeChecking": {"expressionWarnings": warnings}, "conditions": [condition]}}
    assert status.validate_update is not None
    assert [each.field for each in status.validate_update(told, {})] == [
        "status.typeChecking.expressionWarnings[0].fieldRef",
        "status.typeChecking.expressionWarnings[1].warning",
        "status.conditions[0].status",
    ]
