"""JSONPath and the columns made of it; selectable fields; paths of the scale subresource."""

from typing import Any

import pytest

from apiserver.structural import jsonpath, paths
from apiserver.structural.columns import check_column, columns
from apiserver.structural.node import MISSING
from apiserver.structural.selectable import check_selectable, selectable
from podling.api.field import Path

OBJECT = {
    "metadata": {"name": "a", "labels": {"example.com/size": "big"}},
    "spec": {"ports": [{"name": "x", "port": 1}, {"name": "y", "port": 2}], "map": {"b": 2, "a": 1}, "none": None},
    "status": {"conditions": [{"type": "Big", "status": "False"}, {"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.ports[*].name", ["x", "y"]),
        (".spec.ports[0].name", ["x"]),
        (".spec.ports[-1].name", ["y"]),
        (".spec.ports[0:2].port", [1, 2]),
        (".spec.ports[0,1].port", [1, 2]),
        (".spec.map.*", [1, 2]),
        (".spec.map['a','b']", [1, 2]),
        (r".metadata.labels.example\.com/size", ["big"]),
        (r".metadata.labels['example\.com/size']", ["big"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type == 'Big')].status", ["False"]),
        (".spec.ports[?(@.port>1)].name", ["y"]),
        (".spec.ports[?(@.port)].name", ["x", "y"]),
        (".spec.ports[?(@.other)].name", []),
        ("..port", [1, 2]),
        (".spec.missing.further", []),
    ],
)
def test_a_path_finds(path: str, found: list[Any]) -> None:
    assert jsonpath.find(jsonpath.parse(path), OBJECT) == found


@pytest.mark.parametrize("path", [".spec.ports[", ".a[x]", ".a[?(@.b==1]", ".a {", ".a[?(@.b=~1)]"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(jsonpath.PathError):
        jsonpath.parse(path)


@pytest.mark.parametrize("path", [".spec.ports[2]", ".spec.map[0]", '.spec.ports[?(@.port=="1")]'])
def test_a_path_that_does_not_fit_finds_nothing(path: str) -> None:
    with pytest.raises(jsonpath.PathError):
        jsonpath.find(jsonpath.parse(path), OBJECT)


def cells(kind: str, path: str, obj: dict[str, Any]) -> Any:
    (_, column) = columns([{"name": "C", "type": kind, "jsonPath": path}])
    return column.cell(obj)


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("integer", 2, 2),
        ("integer", 2.7, 2),
        ("integer", "many", None),
        ("number", 1.5, 1.5),
        ("boolean", True, True),
        ("boolean", "yes", None),
        ("string", "a", "a"),
        ("string", 1.0, "1"),
        ("string", True, "true"),
        ("string", {"b": [1, "x"]}, '{"b":[1,"x"]}'),
        ("date", "never", "<invalid>"),
        ("date", "", "<unknown>"),
        ("date", 5, None),
    ],
)
def test_a_cell_shows_its_type(kind: str, value: Any, cell: Any) -> None:
    assert cells(kind, ".v", {"v": value}) == cell
    assert cells(kind, ".missing", {"v": value}) is None


def test_name_comes_first_and_age_where_nothing_else_is_said() -> None:
    assert [column.name for column in columns(None)] == ["Name", "Age"]
    (_, said) = columns([{"name": "Sails", "type": "integer", "jsonPath": ".spec.sails", "priority": 1}])
    assert (said.priority, said.description) == (
        1,
        "Custom resource definition column (in JSONPath format): .spec.sails",
    )


def test_what_is_wrong_with_a_column_is_told() -> None:
    found = check_column({"type": "text", "format": "x", "jsonPath": "spec"}, Path("c[0]"))
    assert [str(error) for error in found] == [
        "c[0].name: Required value",
        'c[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'c[0].format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password',
        'c[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
    ]


SCHEMA = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "properties": {"colour": {"type": "string"}, "sails": {"type": "integer"}, "list": {"type": "array"}},
        },
    },
}


def test_selectable_fields_are_texts() -> None:
    fields = selectable([{"jsonPath": ".spec.colour"}, {"jsonPath": ".spec.sails"}])
    assert fields({"spec": {"sails": 2}}) == {"spec.colour": "", "spec.sails": "2"}


def test_what_is_wrong_with_a_selectable_field_is_told() -> None:
    said = [".spec.colour", "", ".spec.colour", ".spec.list", ".spec.other", "spec", ".spec['colour']"]
    found = check_selectable([{"jsonPath": path} for path in said], SCHEMA, Path("s"))
    assert [str(error) for error in found] == [
        "s[1].jsonPath: Required value",
        's[2].jsonPath: Duplicate value: ".spec.colour"',
        's[3].jsonPath: Invalid value: ".spec.list": must point to a field of type string, boolean or integer. Enum '
        "string fields and strings with formats are allowed.",
        's[4].jsonPath: Invalid value: ".spec.other": is an invalid path: does not refer to a valid field',
        's[5].jsonPath: Invalid value: "spec": is an invalid path: expected [ or . but got: spec',
        "s[6].jsonPath: Invalid value: \".spec['colour']\": is an invalid path: array notation is not allowed",
    ]


def test_a_simple_path_is_read_and_written() -> None:
    obj: dict[str, Any] = {"spec": {"n": 1}}
    paths.put(obj, ".status.count", 2)
    assert (paths.get(obj, ".spec.n"), paths.get(obj, ".status.count"), paths.get(obj, ".spec.n.m")) == (1, 2, MISSING)


def test_the_scale_subresource_looks_where_it_may() -> None:
    scale = {"specReplicasPath": ".status.n", "statusReplicasPath": "", "labelSelectorPath": ".metadata.x"}
    assert [str(error) for error in paths.check_subresources({"scale": scale}, Path("s"))] == [
        's.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
        "s.scale.statusReplicasPath: Required value",
        's.scale.labelSelectorPath: Invalid value: ".metadata.x": should be a json path under either .spec or .status',
    ]
