"""Merge patch."""

from typing import Any

import pytest

from apiserver.patch.patch import MERGE_PATCH, Patched, apply_patch
from apiserver.schema.load import schema
from podling.api.errors import BadRequest, Invalid

CONFIG_MAP = schema("core.v1.ConfigMap")


def patch(current: dict[str, Any], body: bytes, *, checked: bool = True) -> Patched:
    return apply_patch(MERGE_PATCH, current, body, CONFIG_MAP, checked=checked)


def test_null_deletes_objects_merge_and_lists_are_replaced() -> None:
    current = {"labels": {"a": "1", "b": "2"}, "list": [1, 2], "gone": 1}
    body = b'{"labels": {"a": null, "c": "3", "nope": null}, "list": [{"x": null, "y": 1}], "gone": null}'
    found = patch(current, body).object
    assert found == {"labels": {"b": "2", "c": "3"}, "list": [{"y": 1}]}
    assert current == {"labels": {"a": "1", "b": "2"}, "list": [1, 2], "gone": 1}


def test_what_is_new_brings_no_nulls() -> None:
    found = patch({}, b'{"a": {"b": null, "c": {"d": null}}}').object
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
        patch({}, body)
    assert caught.value.message == f"error decoding patch: {message}"


@pytest.mark.parametrize(
    ("body", "checked"),
    [(b"null", True), (b" null\n", False), (b'"text"', False), (b"5", False), (b"{", False), (b"data: x", False)],
)
def test_null_is_no_patch_and_what_nothing_has_checked_is_told_so_too(body: bytes, checked: bool) -> None:
    with pytest.raises(BadRequest, match=r"^Invalid JSON Patch$"):
        patch({"a": 1}, body, checked=checked)


def test_a_list_that_nothing_has_checked_replaces_the_object_which_then_is_none() -> None:
    with pytest.raises(Invalid) as caught:
        patch({"a": 1}, b'[{"b": 1}]', checked=False)
    assert caught.value.message.startswith(
        ' "" is invalid: patch: Invalid value: "[{\\"b\\":1}]": couldn\'t get version/kind; json parse error: json: '
        "cannot unmarshal array into Go value of type struct"
    )


def test_strict_errors_tell_repeated_fields_by_their_path() -> None:
    body = b'{"spec": {"selector": {"a": "1"}, "selector": {"b": "2"}, "l": [{"x": 1, "x": 2, "x": 3}]}}'
    assert patch({}, body).notes == ['duplicate field "spec.selector"', 'duplicate field "spec.l[0].x"']
    assert patch({}, body, checked=False).notes == []
    assert patch({}, b'{"a": {"a": 1}}').notes == []


def test_a_patch_whose_result_does_not_decode_is_invalid_at_patch() -> None:
    error = patch({"kind": "ConfigMap"}, b'{"data": {"x": 5}}').refusal("why")
    shown = r'"{\"data\":{\"x\":5},\"kind\":\"ConfigMap\"}"'
    assert error.status()["details"]["causes"] == [
        {"reason": "FieldValueInvalid", "message": f"Invalid value: {shown}: why", "field": "patch"}
    ]
    assert error.message == f' "" is invalid: patch: Invalid value: {shown}: why'


def test_a_kind_that_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid, match=r"cannot unmarshal number into Go struct field \.kind of type string"):
        patch({}, b'{"kind": 5}')
