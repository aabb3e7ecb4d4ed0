"""Custom resources as clients meet them: defined, used, redefined, gone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.apiserver.crd.boats import (
    BOATS,
    DEFINITIONS,
    FREE,
    GROUP,
    MERGE,
    boat,
    condition,
    create,
    define,
    definition,
    gone,
    spec_schema,
    version,
)
from tests.unit.apiserver.door import Door, door
from tests.unit.apiserver.https import bundle, serving
from tests.unit.apiserver.memory import MemoryStorage

NAME = f"boats.{GROUP}"


@pytest.fixture
async def server(certificates: Path) -> AsyncIterator[Door]:
    async with door(certificates) as made:
        yield made


def events(text: str) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in text.splitlines()]
    return [(event["type"], event["object"]["metadata"]["name"]) for event in found if event["type"] != "BOOKMARK"]


async def test_what_is_established_is_served_discovered_and_explained_at_once(server: Door) -> None:
    before = (await server.call("GET", "/openapi/v3")).body["paths"]
    assert f"apis/{GROUP}/v1" not in before
    begun = time.monotonic()
    await define(server, definition(version("v1", spec_schema(sails="integer"), storage=True)))
    assert time.monotonic() - begun < 1
    assert (await server.call("GET", BOATS)).body["kind"] == "BoatList"
    resources = (await server.call("GET", f"/apis/{GROUP}/v1")).body["resources"]
    assert [each["name"] for each in resources] == ["boats"]
    wanted = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    groups = (await server.call("GET", "/apis", headers={"Accept": wanted})).body["items"]
    assert groups[-1]["metadata"]["name"] == GROUP
    after = (await server.call("GET", "/openapi/v3")).body["paths"]
    document = (await server.call("GET", after[f"apis/{GROUP}/v1"]["serverRelativeURL"])).body
    boats = document["components"]["schemas"]["com.example.v1.Boat"]
    assert boats["properties"]["spec"]["properties"] == {"sails": {"type": "integer"}}
    assert document["components"]["schemas"]["com.example.v1.BoatList"]["required"] == ["items"]
    assert "com.example.v1.Boat" in (await server.call("GET", "/openapi/v2")).body["definitions"]


async def test_openapi_has_another_hash_when_a_schema_changes(server: Door) -> None:
    await define(server, definition(version("v1", spec_schema(sails="integer"), storage=True)))
    first = (await server.call("GET", "/openapi/v3")).body["paths"][f"apis/{GROUP}/v1"]
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/name"
    patch = [{"op": "add", "path": path, "value": {"type": "string"}}]
    patched = await server.call(
        "PATCH", f"{DEFINITIONS}/{NAME}", json=patch, headers={"Content-Type": "application/json-patch+json"}
    )
    assert patched.status == 200
    for _ in range(250):
        second = (await server.call("GET", "/openapi/v3")).body["paths"][f"apis/{GROUP}/v1"]
        if second != first:
            break
        await asyncio.sleep(0.02)
    document = (await server.call("GET", second["serverRelativeURL"])).body
    assert "name" in document["components"]["schemas"]["com.example.v1.Boat"]["properties"]["spec"]["properties"]


async def test_twenty_definitions_at_once_are_all_established(server: Door) -> None:
    bodies = [
        definition(version("v1", storage=True), plural=f"things{number}", kind=f"Thing{number}") for number in range(20)
    ]
    await asyncio.gather(*(define(server, body) for body in bodies))
    served = {each["name"] for each in (await server.call("GET", f"/apis/{GROUP}/v1")).body["resources"]}
    assert served == {f"things{number}" for number in range(20)}


async def test_objects_of_a_former_storage_version_are_read_watched_and_written_in_the_new_one(server: Door) -> None:
    old = version("v1", spec_schema(sails="integer", old="string"), storage=True)
    new = version("v2", spec_schema(sails="integer", new={"type": "string", "default": "yes"}))
    await define(server, definition(old, new))
    await create(server, boat("a", spec={"sails": 1, "old": "x"}))
    body = (await server.call("GET", f"{DEFINITIONS}/{NAME}")).body
    body["spec"]["versions"] = [{**old, "storage": False}, {**new, "storage": True}]
    replaced = await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)
    assert replaced.body["status"]["storedVersions"] == ["v1", "v2"]
    second = BOATS.replace("/v1/", "/v2/")
    await create(server, boat("b", version="v2", spec={"sails": 2}), second)
    listed = (await server.call("GET", second)).body["items"]
    assert [each["apiVersion"] for each in listed] == [f"{GROUP}/v2"] * 2
    assert [each["spec"] for each in listed] == [{"sails": 1}, {"sails": 2, "new": "yes"}]
    assert [each["spec"] for each in (await server.call("GET", BOATS)).body["items"]] == [
        {"sails": 1, "old": "x"},
        {"sails": 2},
    ]
    watched = [
        json.loads(line) for line in (await server.call("GET", f"{second}?watch=1&timeoutSeconds=1")).text.split()
    ]
    assert [(each["type"], each["object"]["spec"]) for each in watched] == [
        ("ADDED", {"sails": 1}),
        ("ADDED", {"sails": 2, "new": "yes"}),
    ]
    patched = await server.call("PATCH", f"{second}/a", json={"spec": {"sails": 3}}, headers=MERGE)
    assert patched.body["spec"] == {"sails": 3, "new": "yes"}
    stored = await server.storage.get(f"/registry/{GROUP}/boats/default/a".encode())
    assert json.loads(stored.kvs[0].value)["apiVersion"] == f"{GROUP}/v2"


async def test_a_stored_version_stays_until_nothing_is_stored_in_it(server: Door) -> None:
    await define(server, definition(version("v1", storage=True), version("v2")))
    body = (await server.call("GET", f"{DEFINITIONS}/{NAME}")).body
    body["spec"]["versions"] = [version("v2", storage=True)]
    refused = (await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)).body
    assert refused["message"].startswith(
        f'CustomResourceDefinition.apiextensions.k8s.io "{NAME}" is invalid: status.storedVersions[0]: Invalid value: '
        '"v1": missing from spec.versions; v1 was previously a storage version'
    )
    body["spec"]["versions"] = [version("v1"), version("v2", storage=True)]
    body = (await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)).body
    body = await condition(server, NAME, "Established")
    body["status"]["storedVersions"] = ["v2"]
    body = (await server.call("PUT", f"{DEFINITIONS}/{NAME}/status", json=body)).body
    body["spec"]["versions"] = [version("v2", storage=True)]
    assert (await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)).status == 200


async def test_a_server_that_starts_again_serves_what_was_defined_from_its_first_answer_on(certificates: Path) -> None:
    storage = MemoryStorage()
    async with door(certificates, storage) as first:
        await define(first, definition(version("v1", spec_schema(sails="integer"), storage=True)))
        await create(first, boat("a", spec={"sails": 1}))
    async with door(certificates, storage) as second:
        assert (await second.call("GET", f"{BOATS}/a")).body["spec"] == {"sails": 1}
        assert (await second.call("GET", f"{DEFINITIONS}/{NAME}")).body["status"]["storedVersions"] == ["v1"]
        await create(second, boat("b"))


async def test_two_definitions_that_want_one_name_and_the_second_gets_it_when_the_first_goes(server: Door) -> None:
    await define(server, definition(version("v1", storage=True), names={"shortNames": ["bo"]}))
    rival = definition(version("v1", storage=True), plural="boots", kind="Boat", names={"shortNames": ["bo"]})
    assert (await server.call("POST", DEFINITIONS, json=rival)).status == 201
    found = await condition(server, f"boots.{GROUP}", "NamesAccepted", "False")
    told = {each["type"]: (each["reason"], each["message"]) for each in found["status"]["conditions"]}
    assert told == {
        "NamesAccepted": ("ListKindConflict", '"BoatList" is already in use'),
        "Established": ("NotAccepted", "not all names are accepted"),
    }
    assert found["status"]["acceptedNames"] == {"plural": "boots", "kind": ""}
    assert (await server.call("GET", f"/apis/{GROUP}/v1/boots")).text == "404 page not found\n"
    await server.call("DELETE", f"{DEFINITIONS}/{NAME}")
    found = await condition(server, f"boots.{GROUP}", "Established")
    assert found["status"]["acceptedNames"]["shortNames"] == ["bo"]
    assert (await server.call("GET", f"/apis/{GROUP}/v1/boots")).status == 200


async def test_a_definition_goes_after_its_objects_and_then_watches_end(server: Door) -> None:
    await define(server, definition(version("v1", storage=True)))
    held = boat("held")
    held["metadata"]["finalizers"] = ["example.com/wait"]
    await create(server, held)
    await create(server, boat("free"))
    response = await server.admin.get(f"{server.config.url}{BOATS}?watch=1&timeoutSeconds=20")
    await response.content.readline()
    deleted = (await server.call("DELETE", f"{DEFINITIONS}/{NAME}")).body
    assert deleted["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await gone(server, f"{BOATS}/free")
    going = await condition(server, NAME, "Terminating")
    assert going["metadata"]["deletionTimestamp"]
    refused = (await server.call("POST", BOATS, json=boat("late"))).body
    words = "create not allowed while custom resource definition is terminating"
    assert (refused["code"], refused["message"]) == (405, words)
    assert (await server.call("GET", f"{BOATS}/held")).body["metadata"]["deletionTimestamp"]
    let_go = await server.call("PATCH", f"{BOATS}/held", json={"metadata": {"finalizers": None}}, headers=MERGE)
    assert let_go.status == 200
    await gone(server, f"{DEFINITIONS}/{NAME}")
    seen = events(await response.text())
    assert seen[-1] == ("DELETED", "held")
    assert ("DELETED", "free") in seen
    await gone(server, BOATS)
    assert (await server.call("GET", BOATS)).text == "404 page not found\n"
    assert (await server.call("GET", f"/apis/{GROUP}")).status == 404


async def test_a_definition_may_come_again(server: Door) -> None:
    for number in range(3):
        await define(server, definition(version("v1", storage=True)))
        await create(server, boat("a", spec={"number": number}))
        listed = (await server.call("GET", BOATS)).body["items"]
        assert [each["spec"]["number"] for each in listed] == [number]
        await server.call("DELETE", f"{DEFINITIONS}/{NAME}")
        await gone(server, f"{DEFINITIONS}/{NAME}")
        await gone(server, BOATS)


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


async def test_a_definition_is_deleted_only_if_it_is_the_one_that_was_meant(server: Door) -> None:
    made = await define(server, definition(version("v1", storage=True)))
    refused = await server.call("DELETE", f"{DEFINITIONS}/{NAME}", json={"preconditions": {"uid": "other"}})
    assert (refused.status, refused.body["message"]) == (
        409,
        f'Operation cannot be fulfilled on customresourcedefinitions.apiextensions.k8s.io "{NAME}": Precondition '
        f"failed: UID in precondition: other, UID in object meta: {made['metadata']['uid']}",
    )
    tried = await server.call("DELETE", f"{DEFINITIONS}/{NAME}?dryRun=All")
    assert tried.body["metadata"]["deletionTimestamp"]
    found = (await server.call("GET", f"{DEFINITIONS}/{NAME}")).body
    assert "deletionTimestamp" not in found["metadata"]


async def test_schemas_within_schemas_are_kept_as_go_writes_them(server: Door) -> None:
    items = {"type": "object", "nullable": False, "unknown": 1, "required": [], "properties": {"a": {"type": "string"}}}
    schema = spec_schema(list={"type": "array", "items": items}, free={"type": "object", "additionalProperties": True})
    made = await define(server, definition(version("v1", schema, storage=True)))
    kept = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert kept["list"]["items"] == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert kept["free"] == {"type": "object", "additionalProperties": True}


async def test_a_webhook_converts_and_what_it_gets_wrong_is_told(server: Door, certificates: Path) -> None:
    asked: list[dict[str, Any]] = []
    broken: dict[str, Any] = {}

    async def convert(request: web.Request) -> web.StreamResponse:
        review = await request.json()
        asked.append(review["request"])
        wanted, moved = review["request"]["desiredAPIVersion"], []
        for found in review["request"]["objects"]:
            spec = dict(found.get("spec") or {})
            if "size" in spec or "length" in spec:
                value = spec.pop("size", None) or spec.pop("length", None)
                spec["length" if wanted.endswith("v2") else "size"] = value
            moved.append({**found, "apiVersion": wanted, "spec": spec, **broken.get("object", {})})
        response = {"uid": review["request"]["uid"], "convertedObjects": moved, "result": {"status": "Success"}}
        return web.json_response({**review, "response": {**response, **broken.get("response", {})}})

    async with serving(certificates, convert) as hook:
        client = {"url": f"{hook.url}/convert", "caBundle": bundle(certificates)}
        webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
        versions = (
            version("v1", spec_schema(size="integer"), storage=True),
            version("v2", spec_schema(length="integer")),
        )
        await define(server, definition(*versions, conversion={"strategy": "Webhook", "webhook": webhook}))
        second = BOATS.replace("/v1/", "/v2/")
        made = await create(server, boat("a", version="v2", spec={"length": 5}), second)
        assert made["spec"] == {"length": 5}
        assert (await server.call("GET", f"{BOATS}/a")).body["spec"] == {"size": 5}
        times = len(asked)
        for _ in range(3):
            assert (await server.call("GET", f"{second}/a")).body["spec"] == {"length": 5}
        assert len(asked) <= times + 1, "one object is converted once a version"
        head = f"conversion webhook for {GROUP}/v1, Kind=Boat"
        for number, (wrong, words) in enumerate([
            ({"response": {"uid": "other"}}, 'failed: expected response.uid="'),
            ({"response": {"result": {"status": "Failed", "message": "no"}}}, "failed: no"),
            ({"response": {"result": {}}}, "failed: response.result.status was '', not 'Success'"),
            ({"response": {"convertedObjects": []}}, "returned 0 objects, expected 1"),
            ({"object": {"kind": "Ship"}}, "returned invalid converted object at index 0: invalid kind"),
            ({"object": {"metadata": {"name": "z"}}}, "returned invalid converted object at index 0: must have"),
        ]):  # fmt: skip
            broken.clear()
            await create(server, boat(f"b{number}", spec={"size": 1}))
            broken.update(wrong)
            answer = await server.call("GET", f"{second}/b{number}")
            assert (answer.status, answer.body["message"].startswith(f"{head} {words}")) == (500, True), answer.text


async def test_an_object_in_two_versions_is_owned_in_the_version_that_each_manager_speaks(server: Door) -> None:
    both = spec_schema(sails="integer", name="string")
    await define(server, definition(version("v1", both, storage=True), version("v2", both)))
    apply = {"Content-Type": "application/apply-patch+yaml"}
    second = BOATS.replace("/v1/", "/v2/")
    first = await server.call("PATCH", f"{BOATS}/a?fieldManager=one", json=boat("a", spec={"sails": 1}), headers=apply)
    assert first.status == 201
    refused = await server.call(
        "PATCH", f"{second}/a?fieldManager=two", json=boat("a", version="v2", spec={"sails": 2}), headers=apply
    )
    words = 'Apply failed with 1 conflict: conflict with "one": .spec.sails'
    assert (refused.status, refused.body["message"]) == (409, words)
