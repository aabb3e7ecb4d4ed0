"""Merge patch."""

import pytest

from apiserver.patch.patch import MERGE_PATCH, apply_patch, patch_error, strict_errors
from apiserver.schema.load import schema
from podling.api.errors import BadRequest

CONFIG_MAP = schema("core.v1.ConfigMap")


def test_null_deletes_objects_merge_and_lists_are_replaced() -> None:
    current = {"labels": {"a": "1", "b": "2"}, "list": [1, 2], "gone": 1}
    body = b'{"labels": {"a": null, "c": "3", "nope": null}, "list": [{"x": null, "y": 1}], "gone": null}'
    found = apply_patch(MERGE_PATCH, current, body, CONFIG_MAP)
    assert found == {"labels": {"b": "2", "c": "3"}, "list": [{"y": 1}]}
    assert current == {"labels": {"a": "1", "b": "2"}, "list": [1, 2], "gone": 1}


def test_what_is_new_brings_no_nulls() -> None:
    found = apply_patch(MERGE_PATCH, {}, b'{"a": {"b": null, "c": {"d": null}}}', CONFIG_MAP)
    assert found == {"a": {"c": {}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"data": 1}]', "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b'"text"', "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b'{"data": {"x": "two"', "unexpected end of JSON input"),
        (b"data: {x: two}", "invalid character 'd' looking for beginning of value"),
    ],
)
def test_a_body_that_is_no_object_is_a_bad_request(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        apply_patch(MERGE_PATCH, {}, body, CONFIG_MAP)
    assert caught.value.message == f"error decoding patch: {message}"


def test_a_patch_that_says_null_changes_nothing() -> None:
    assert apply_patch(MERGE_PATCH, {"a": 1}, b"null", CONFIG_MAP) == {"a": 1}


def test_strict_errors_tell_repeated_fields_by_their_path() -> None:
    body = b'{"spec": {"selector": {"a": "1"}, "selector": {"b": "2"}, "l": [{"x": 1, "x": 2, "x": 3}]}}'
    assert strict_errors(MERGE_PATCH, body) == ['duplicate field "spec.selector"', 'duplicate field "spec.l[0].x"']
    assert strict_errors(MERGE_PATCH, b'{"a": {"a": 1}}') == []


def test_a_patch_whose_result_does_not_decode_is_invalid_at_patch() -> None:
    error = patch_error(MERGE_PATCH, b'{"data": {"x": 5}}', {"data": {"x": 5}}, "why")
    assert error.status()["details"]["causes"] == [
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "map[data:map[x:5]]": why', "field": "patch"}
    ]
    assert error.message == ' "" is invalid: patch: Invalid value: "map[data:map[x:5]]": why'
