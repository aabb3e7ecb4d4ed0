"""Custom resources as clients meet them."""

import asyncio
from typing import Any

import pytest

from tests.unit.apiserver.crd.boats import (
    BOATS,
    DEFINITIONS,
    FREE,
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

NAME = f"boats.{GROUP}"
pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all


async def test_objects_are_found_by_selectable_fields_with_their_defaults(server: Door) -> None:
    schema = spec_schema(colour={"type": "string", "default": "white"}, sails="integer")
    fields = [{"jsonPath": ".spec.colour"}, {"jsonPath": ".spec.sails"}]
    await define(server, definition(version("v1", schema, storage=True, selectableFields=fields)))
    await create(server, boat("a", spec={"colour": "red", "sails": 2}))
    await create(server, boat("b", spec={}))
    for selector, names in (
        ("spec.colour=white", ["b"]),
        ("spec.sails=2", ["a"]),
        ("spec.sails!=2", ["b"]),
        ("spec.colour=red,metadata.name=b", []),
    ):
        found = (await server.call("GET", BOATS, params={"fieldSelector": selector})).body["items"]
        assert [each["metadata"]["name"] for each in found] == names, selector
    refused = (await server.call("GET", f"{BOATS}?fieldSelector=spec.size=1")).body
    assert (refused["code"], refused["message"]) == (400, "field label not supported: spec.size")


async def test_scale_of_an_object_without_replicas(server: Door) -> None:
    scale = {"specReplicasPath": ".spec.crew.size", "statusReplicasPath": ".status.size"}
    await define(server, definition(version("v1", FREE, storage=True, subresources={"scale": scale})))
    await create(server, boat("a"))
    missing = (await server.call("GET", f"{BOATS}/a/scale")).body
    assert (missing["code"], missing["message"]) == (
        500,
        'Internal error occurred: the spec replicas field ".spec.crew.size" does not exist',
    )
    empty = await server.call("PATCH", f"{BOATS}/a/scale", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
    assert (empty.status, empty.body["message"]) == (400, 'the spec replicas field ".spec.crew.size" cannot be empty')
    scaled = await server.call("PATCH", f"{BOATS}/a/scale", json={"spec": {"replicas": 3}}, headers=MERGE)
    assert scaled.body["spec"] == {"replicas": 3}
    found = (await server.call("GET", f"{BOATS}/a")).body
    assert (found["spec"], found["metadata"]["generation"]) == ({"crew": {"size": 3}}, 2)


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", BOATS.replace("boats", "ships"), 404, "404 page not found"),
        ("POST", f"/apis/{GROUP}/v1/boats", 404, "404 page not found"),
        ("GET", BOATS.replace("/v1/", "/v3/"), 404, "404 page not found"),
        ("GET", f"{BOATS}/a/scale", 404, 'boats.example.com "a" not found'),
        ("DELETE", f"{BOATS}/a/status", 405, 'delete is not supported on resources of kind "boats.example.com"'),
    ],
)
async def test_what_a_definition_does_not_say_is_not_there(
    server: Door, method: str, path: str, status: int, words: str
) -> None:
    await define(server, definition(version("v1", storage=True, subresources={"status": {}}), version("v2")))
    answer = await server.call(method, path)
    assert (answer.status, words in answer.text.replace('\\"', '"')) == (status, True), answer.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"apiVersion":"example.com/v1","metadata":{"name":"a"}}', "Object 'Kind' is missing in '{\"apiVersion\""),
        (b'{"kind":"Boat","metadata":{"name":"a"}}', "the API version in the data () does not match the expected"),
        (b"[]", "couldn't get version/kind; json parse error"),
    ],
)
async def test_a_body_must_say_what_it_is(server: Door, body: bytes, words: str) -> None:
    await define(server, definition(version("v1", storage=True)))
    answer = await server.call("POST", BOATS, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, words in answer.body["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("patch", "status", "words"),
    [
        ({"kind": "Ship"}, 422, 'Ship.example.com "a" is invalid: kind: Invalid value: "Ship": must be Boat'),
        ({"apiVersion": "example.com/v9"}, 422, "request to convert CR from an invalid group/version: example.com/v9"),
        ({"apiVersion": "example.com/v2", "spec": {"a": 1}}, 200, ""),
        ({"metadata": {"name": "b"}}, 400, "the name of the object (b) does not match the name on the URL (a)"),
        ({"metadata": {"labels": {"a": 5}}}, 422, "json: cannot unmarshal number into Go"),
    ],
)
async def test_a_patch_makes_no_other_thing_of_an_object(
    server: Door, patch: dict[str, Any], status: int, words: str
) -> None:
    await define(server, definition(version("v1", storage=True), version("v2")))
    await create(server, boat("a"))
    answer = await server.call("PATCH", f"{BOATS}/a", json=patch, headers=MERGE)
    assert (answer.status, words in answer.body.get("message", "")) == (status, True), answer.text


async def test_a_status_is_held_against_its_own_schema_alone(server: Door) -> None:
    def schema(**spec: Any) -> dict[str, Any]:
        made = spec_schema(name={"type": "string", **spec})
        made["properties"]["status"] = {"type": "object", "properties": {"phase": {"enum": ["Dry"], "type": "string"}}}
        return made

    await define(server, definition(version("v1", schema(), storage=True, subresources={"status": {}})))
    await create(server, boat("a", spec={"name": "long"}))
    body = (await server.call("GET", f"{DEFINITIONS}/{NAME}")).body
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {**schema(maxLength=1), "required": ["other"]}
    replaced = await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)
    assert replaced.status == 200
    path = f"{BOATS}/a/status"
    for _ in range(3000):
        refused = await server.call("PATCH", f"{BOATS}/a", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
        if refused.status == 422:
            break
        await asyncio.sleep(0.02)
    written = await server.call("PATCH", path, json={"status": {"phase": "Dry"}, "spec": {"name": "x"}}, headers=MERGE)
    assert (written.status, written.body["spec"]) == (200, {"name": "long"}), written.text
    wrong = await server.call("PATCH", path, json={"status": {"phase": "Wet"}}, headers=MERGE)
    words = 'Boat.example.com "a" is invalid: status.phase: Unsupported value: "Wet": supported values: "Dry"'
    assert (wrong.status, wrong.body["message"]) == (422, words)


async def test_custom_resources_have_no_protobuf(server: Door) -> None:
    await define(server, definition(version("v1", storage=True)))
    protobuf = "application/vnd.kubernetes.protobuf"
    answer = await server.call("GET", BOATS, headers={"Accept": protobuf})
    words = "only the following media types are accepted: application/json, application/yaml"
    assert (answer.status, answer.body["message"]) == (406, words)
    answer = await server.call("POST", BOATS, data=b"k8s", headers={"Content-Type": protobuf})
    assert (answer.status, answer.body["message"].endswith("include: application/json, application/yaml")) == (
        415,
        True,
    )
    assert (await server.call("PUT", BOATS, json=boat("a"))).body["message"] == "name must be provided"


async def test_quotas_count_custom_resources(server: Door) -> None:
    await define(server, definition(version("v1", storage=True)))
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {f"count/{NAME}": "1"}}}
    path = "/api/v1/namespaces/default/resourcequotas"
    assert (await server.call("POST", path, json=quota)).status == 201
    counted = {"status": {"hard": {f"count/{NAME}": "1"}, "used": {f"count/{NAME}": "0"}}}
    assert (await server.call("PATCH", f"{path}/few/status", json=counted, headers=MERGE)).status == 200
    await create(server, boat("a"))
    refused = await server.call("POST", BOATS, json=boat("b"))
    words = f"exceeded quota: few, requested: count/{NAME}=1, used: count/{NAME}=1, limited: count/{NAME}=1"
    assert (refused.status, words in refused.body["message"]) == (403, True), refused.text
