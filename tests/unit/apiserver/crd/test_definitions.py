"""Definitions from the first day to the last, over HTTP."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.apiserver.crd.boats import (
    BOATS,
    DEFINITIONS,
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
from tests.unit.apiserver.memory import MemoryStorage

NAME = f"boats.{GROUP}"
pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all


def events(text: str) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in text.splitlines()]
    return [(event["type"], event["object"]["metadata"]["name"]) for event in found if event["type"] != "BOOKMARK"]


async def test_what_is_established_is_served_discovered_and_explained_at_once(server: Door) -> None:
    before = (await server.call("GET", "/openapi/v3")).body["paths"]
    assert f"apis/{GROUP}/v1" not in before
    await define(server, definition(version("v1", spec_schema(sails="integer"), storage=True)))
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
    for _ in range(3000):
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
    response = await server.server.session.get(f"{server.config.url}{BOATS}?watch=1&timeoutSeconds=20")
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


async def test_a_definition_that_cannot_be_read_keeps_no_server_from_starting(certificates: Path) -> None:
    storage = MemoryStorage()
    async with door(certificates, storage) as first:
        await define(first, definition(version("v1", storage=True)))
        await define(first, definition(version("v1", storage=True), plural="ships", kind="Ship"))
    key = f"/registry/apiextensions.k8s.io/customresourcedefinitions/{NAME}".encode()
    broken = json.loads((await storage.get(key)).kvs[0].value)
    broken["spec"]["versions"] = []
    storage.put(key, json.dumps(broken).encode())
    async with door(certificates, storage) as second:
        assert (await second.call("GET", f"/apis/{GROUP}/v1/ships")).status == 200
        assert (await second.call("GET", f"/apis/{GROUP}/v1/boats")).status == 404


async def test_a_definition_of_a_built_in_resource_takes_nothing_from_it(server: Door) -> None:
    body = definition(version("v1", storage=True), plural="leases", kind="Lease", group="coordination.k8s.io")
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved"}
    await define(server, body)
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    lease = {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": 1}}
    assert (await server.call("POST", path, json=lease)).status == 201
    await server.call("DELETE", f"{DEFINITIONS}/leases.coordination.k8s.io")
    await gone(server, f"{DEFINITIONS}/leases.coordination.k8s.io")
    assert (await server.call("GET", f"{path}/a")).body["spec"] == {"leaseDurationSeconds": 1}


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


async def test_who_watches_definitions_sees_each_step(server: Door) -> None:
    before = (await server.call("GET", DEFINITIONS)).body["metadata"]["resourceVersion"]
    await define(server, definition(version("v1", storage=True)))
    watched = (await server.call("GET", f"{DEFINITIONS}?watch=1&timeoutSeconds=1&resourceVersion={before}")).text
    steps = [json.loads(line) for line in watched.splitlines()]
    told = [
        (step["type"], [(each["type"], each["status"]) for each in step["object"]["status"]["conditions"] or ()])
        for step in steps
    ]
    assert told == [
        ("ADDED", []),
        ("MODIFIED", [("NamesAccepted", "True"), ("Established", "False")]),
        ("MODIFIED", [("NamesAccepted", "True"), ("Established", "True")]),
    ]


async def test_a_server_that_stops_in_the_middle_of_an_end_goes_on_with_it(certificates: Path) -> None:
    storage = MemoryStorage()
    held = boat("held")
    held["metadata"]["finalizers"] = ["example.com/wait"]
    async with door(certificates, storage) as first:
        await define(first, definition(version("v1", storage=True)))
        await create(first, held)
        await first.call("DELETE", f"{DEFINITIONS}/{NAME}")
    async with door(certificates, storage) as second:
        await condition(second, NAME, "Terminating")
        freed = await second.call("PATCH", f"{BOATS}/held", json={"metadata": {"finalizers": None}}, headers=MERGE)
        assert freed.status == 200
        await gone(second, f"{DEFINITIONS}/{NAME}")
        await gone(second, BOATS)
