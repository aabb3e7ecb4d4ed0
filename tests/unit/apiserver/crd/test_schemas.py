"""What a definition's schema does to objects, as clients meet it."""

import pytest

from tests.unit.apiserver.crd.boats import (
    BOATS,
    DEFINITIONS,
    GROUP,
    MERGE,
    boat,
    create,
    define,
    definition,
    spec_schema,
    version,
)
from tests.unit.apiserver.door import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all
NAME = f"boats.{GROUP}"
LIMITED = {"type": "integer", "maximum": 9, "x-kubernetes-validations": [{"rule": "self < 5", "message": "too many"}]}


async def test_an_object_that_a_new_rule_finds_wrong_may_stay_so_while_other_fields_change(server: Door) -> None:
    await define(server, definition(version("v1", spec_schema(sails="integer", name="string"), storage=True)))
    await create(server, boat("a", spec={"sails": 7}))
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/sails"
    changed = await server.call(
        "PATCH",
        f"{DEFINITIONS}/{NAME}",
        json=[{"op": "replace", "path": path, "value": LIMITED}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert changed.status == 200, changed.text
    other = await server.call("PATCH", f"{BOATS}/a", json={"spec": {"name": "Ann"}}, headers=MERGE)
    assert (other.status, other.headers.getall("Warning")) == (
        200,
        ['299 - "spec.sails: Invalid value: 7: too many"'],
    )
    wrong = await server.call("PATCH", f"{BOATS}/a", json={"spec": {"sails": 10}}, headers=MERGE)
    assert (wrong.status, wrong.body["message"]) == (
        422,
        f'Boat.{GROUP} "a" is invalid: [spec.sails: Invalid value: 10: spec.sails in body should be less than or equal '
        "to 9, spec.sails: Invalid value: 10: too many]",
    )


async def test_a_rule_that_does_not_compile_is_told_at_its_place(server: Door) -> None:
    rules = [{"rule": "self.length > 3"}]
    schema = spec_schema(name={"type": "string", "x-kubernetes-validations": rules})
    refused = await server.call("POST", DEFINITIONS, json=definition(version("v1", schema, storage=True)))
    (cause,) = refused.body["details"]["causes"]
    at = "spec.validation.openAPIV3Schema.properties[spec].properties[name].x-kubernetes-validations[0].rule"
    assert (refused.status, cause["field"]) == (422, at)
    assert "compilation failed: ERROR: <input>:1:5: type 'string' does not support field selection" in cause["message"]


async def test_two_managers_own_items_of_a_list_that_is_a_map(server: Door) -> None:
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"type": "integer"},
                "protocol": {"type": "string", "default": "TCP"},
                "name": {"type": "string"},
            },
        },
    }
    await define(server, definition(version("v1", spec_schema(ports=ports), storage=True)))
    headers = {"Content-Type": "application/apply-patch+yaml"}
    for manager, port in (("one", {"port": 80, "name": "web"}), ("two", {"port": 80, "protocol": "UDP"})):
        applied = await server.call(
            "PATCH", f"{BOATS}/a?fieldManager={manager}", json=boat("a", spec={"ports": [port]}), headers=headers
        )
        assert applied.status in (200, 201), applied.text
    assert applied.body["spec"]["ports"] == [
        {"name": "web", "port": 80, "protocol": "TCP"},
        {"port": 80, "protocol": "UDP"},
    ]
    taken = await server.call(
        "PATCH",
        f"{BOATS}/a?fieldManager=two",
        json=boat("a", spec={"ports": [{"port": 80, "name": "www"}]}),
        headers=headers,
    )
    assert (taken.status, taken.body["message"]) == (
        409,
        'Apply failed with 1 conflict: conflict with "one": .spec.ports[port=80,protocol="TCP"].name',
    )
