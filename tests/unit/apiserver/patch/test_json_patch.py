"""JSON Patch with the habits of Kubernetes' library."""

from typing import Any

import msgspec
import pytest

from apiserver.patch.patch import JSON_PATCH, apply_patch
from apiserver.schema.load import schema
from podling.api.errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType

CONFIG_MAP = schema("core.v1.ConfigMap")
REJECTED = "the server rejected our request due to an error in our request"


def patch(current: dict[str, Any], *operations: Any) -> dict[str, Any]:
    return apply_patch(JSON_PATCH, current, msgspec.json.encode(list(operations)), CONFIG_MAP).object


def refused(current: dict[str, Any], *operations: Any) -> None:
    with pytest.raises(Invalid) as caught:
        patch(current, *operations)
    assert (caught.value.message, caught.value.details) == (REJECTED, {})


def test_operations_apply_in_order_and_leave_the_current_object_alone() -> None:
    current = {"data": {"soup": "lentil", "main": "rice"}, "list": [1, 2]}
    found = patch(
        current,
        {"op": "test", "path": "/data/soup", "value": "lentil"},
        {"op": "replace", "path": "/data/soup", "value": "pea"},
        {"op": "remove", "path": "/data/main"},
        {"op": "add", "path": "/data/dessert", "value": "plum"},
        {"op": "move", "from": "/data/dessert", "path": "/data/sweet"},
        {"op": "copy", "from": "/list", "path": "/other"},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "add", "path": "/list/0", "value": 0},
        {"op": "remove", "path": "/list/-1"},
    )
    assert found == {"data": {"soup": "pea", "sweet": "plum"}, "list": [0, 1, 2], "other": [1, 2]}
    assert current == {"data": {"soup": "lentil", "main": "rice"}, "list": [1, 2]}


def test_a_pointer_reads_its_escapes() -> None:
    found = patch({"a": {"x/y": 1, "m~n": 2}}, {"op": "remove", "path": "/a/x~1y"}, {"op": "remove", "path": "/a/m~0n"})
    assert found == {"a": {}}


def test_a_missing_member_reads_as_null() -> None:
    found = patch(
        {"data": {}},
        {"op": "test", "path": "/data/nope", "value": None},
        {"op": "test", "path": "/data/nope"},
        {"op": "replace", "path": "/immutable", "value": True},
        {"op": "copy", "from": "/data/nope", "path": "/data/y"},
    )
    assert found == {"data": {"y": None}, "immutable": True}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "frob", "path": "/data/k", "value": "x"},
        {"path": "/data/k", "value": "x"},
        {"op": "add", "value": "x"},
        {"op": "add", "path": "", "value": "x"},
        {"op": "add", "path": "/nowhere/k", "value": "x"},
        {"op": "add", "path": "/data/k/deeper", "value": "x"},
        {"op": "remove", "path": "/data/nope"},
        {"op": "remove", "path": "/list/2"},
        {"op": "replace", "path": "/list/2", "value": 1},
        {"op": "replace", "path": "/list/first", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/-4", "value": 1},
        {"op": "move", "from": "/data/nope", "path": "/data/y"},
        {"op": "copy", "from": "/nowhere/at", "path": "/data/y"},
        {"op": "test", "path": "/list", "value": [1.0, 2]},
        {"op": "test", "path": "/data/k", "value": "other"},
    ],
)
def test_an_operation_that_does_not_apply_is_refused_without_a_reason(operation: dict[str, Any]) -> None:
    refused({"data": {"k": "v"}, "list": [1, 2]}, operation)


def test_copies_may_not_grow_without_end() -> None:
    refused({"a": "x" * 1_000_000}, *({"op": "copy", "from": "/a", "path": f"/b{n}"} for n in range(4)))


def test_too_many_operations_are_too_large() -> None:
    with pytest.raises(
        TooLarge, match="Request entity too large: The allowed maximum operations in a JSON patch is 10000"
    ):
        patch({}, *({"op": "test", "path": "/a"} for _ in range(10_001)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"op": "add"}', "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (b"[5]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (b'[{"op": 5}]', "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
        (b'[{"op": "add", "value":', "unexpected end of JSON input"),
        (b"op: add", "invalid character 'o' looking for beginning of value"),
    ],
)
def test_a_body_that_is_no_patch_is_a_bad_request(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        apply_patch(JSON_PATCH, {}, body, CONFIG_MAP)
    assert caught.value.message == f"error decoding patch: {message}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"op": "add"}', "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
        (b"[5]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        (b"op: add", "invalid character 'o' looking for beginning of value"),
    ],
)
def test_a_patch_that_nothing_has_checked_is_refused_by_the_library_itself(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        apply_patch(JSON_PATCH, {}, body, CONFIG_MAP, checked=False)
    assert caught.value.message == message
    with pytest.raises(Invalid, match=REJECTED):
        apply_patch(JSON_PATCH, {}, b'[{"op": 5}]', CONFIG_MAP, checked=False)


def test_the_whole_document_can_be_replaced_and_tested() -> None:
    new = {"kind": "ConfigMap", "data": {}}
    assert (
        patch({"a": 1}, {"op": "test", "path": "", "value": {"a": 1}}, {"op": "replace", "path": "", "value": new})
        == new
    )
    assert patch({"a": 1}, {"op": "replace", "path": "", "value": "x"}) == {"a": 1}
    refused({"a": 1}, {"op": "test", "path": "", "value": {}})
    refused({"a": 1}, {"op": "remove", "path": ""})
    with pytest.raises(Invalid, match="cannot unmarshal array into Go value of type struct"):
        patch({}, {"op": "replace", "path": "", "value": [1]})


def test_what_stands_before_the_first_slash_of_a_pointer_does_not_count() -> None:
    assert patch({}, {"op": "add", "path": "data/k", "value": 1}) == {"k": 1}


def test_strict_errors_name_unknown_and_repeated_members_of_operations() -> None:
    body = b'[{"op": "add", "path": "/a", "path": "/b", "value": {"x": 1, "x": 2}, "colour": "red"}]'
    assert apply_patch(JSON_PATCH, {}, body, CONFIG_MAP).notes == [
        'json patch duplicate field "[0].path"',
        'json patch duplicate field "[0].value.x"',
        'json patch unknown field "[0].colour"',
    ]


def test_other_content_types_are_unsupported() -> None:
    with pytest.raises(UnsupportedMediaType, match="415: Unsupported Media Type"):
        apply_patch("application/json", {}, b"{}", CONFIG_MAP)
