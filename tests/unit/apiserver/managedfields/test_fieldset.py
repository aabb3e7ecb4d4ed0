"""Sets of fields and their text form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import FieldSet, show

paths = st.lists(
    st.lists(st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "i:3"]), min_size=1, max_size=3).map(tuple),
    max_size=6,
)
sets = paths.map(FieldSet.of)

ENTRY = {
    "f:data": {".": {}, "f:k": {}},
    "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}}}, "f:finalizers": {'v:"x"': {}}},
}


def test_fields_are_read_and_written_as_fields_v1() -> None:
    found = FieldSet.decode(ENTRY)
    assert found.encode() == ENTRY
    assert ("f:data", "f:k") in found
    assert ("f:data",) in found
    assert ("f:spec",) not in found
    assert ("f:spec", "f:nope", "f:deeper") not in found


def test_elements_have_one_writing() -> None:
    assert element.canonical('k:{"protocol": "TCP", "port": 80}') == 'k:{"port":80,"protocol":"TCP"}'
    assert element.item({"protocol": "TCP", "port": 80}) == 'k:{"port":80,"protocol":"TCP"}'
    assert element.value("ä") == 'v:"ä"'


@pytest.mark.parametrize("text", ["x:y", "k:[]", "k:{", "i:one", "", "v:"])
def test_what_is_no_element_is_an_error(text: str) -> None:
    with pytest.raises(element.BadElement):
        FieldSet.decode({text: {}})


def test_paths_are_told_members_first_and_numbers_by_size() -> None:
    ports = [("f:ports", f'k:{{"port":{port}}}') for port in (9090, 80)]
    found = FieldSet.of([("f:spec", "f:a"), *ports, ("f:x",), ("f:spec", 'v:"z"')])
    shown = [show(path) for path in found.paths()]
    assert shown == [".x", ".ports[port=80]", ".ports[port=9090]", ".spec.a", '.spec[="z"]']


def test_taking_a_parent_leaves_its_children_unless_asked() -> None:
    both = FieldSet.of([("f:a",), ("f:a", "f:b")])
    parent = FieldSet.of([("f:a",)])
    assert (both - parent) == FieldSet.of([("f:a", "f:b")])
    assert not both.without(parent)


@given(sets, sets)
def test_sets_are_sets_of_paths(left: FieldSet, right: FieldSet) -> None:
    one, other = set(left.paths()), set(right.paths())
    assert set((left | right).paths()) == one | other
    assert set((left & right).paths()) == one & other
    assert set((left - right).paths()) == one - other
    assert set(left.paths()) == one
    assert bool(left) == bool(one)


@given(sets)
def test_every_set_survives_its_text(found: FieldSet) -> None:
    assert FieldSet.decode(found.encode()) == found
