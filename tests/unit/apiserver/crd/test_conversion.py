"""One object in several versions, over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.apiserver.crd.boats import (
    BOATS,
    DEFINITIONS,
    GROUP,
    MERGE,
    boat,
    create,
    define,
    definition,
    gone,
    spec_schema,
    version,
)
from tests.unit.apiserver.door import Door
from tests.unit.apiserver.https import bundle, serving

NAME = f"boats.{GROUP}"
pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all


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


async def test_selectors_ask_the_version_that_is_read(server: Door, certificates: Path) -> None:
    """v1 has `spec.colour`, v2 `spec.paint` and a label."""

    async def convert(request: web.Request) -> web.StreamResponse:
        review = await request.json()
        wanted, moved = review["request"]["desiredAPIVersion"], []
        for found in review["request"]["objects"]:
            spec, metadata = found["spec"], found["metadata"]
            colour = spec.get("colour") or spec.get("paint")
            if wanted.endswith("v2"):
                metadata, spec = {**metadata, "labels": {"paint": colour}}, {"paint": colour}
            else:
                metadata, spec = {**metadata, "labels": {}}, {"colour": colour}
            moved.append({**found, "apiVersion": wanted, "spec": spec, "metadata": metadata})
        told = {"uid": review["request"]["uid"], "convertedObjects": moved, "result": {"status": "Success"}}
        return web.json_response({**review, "response": told})

    async def listed(path: str, **selector: str) -> list[str]:
        found = (await server.call("GET", path, params=selector)).body
        return [each["metadata"]["name"] for each in found["items"]]

    async with serving(certificates, convert) as hook:
        client = {"url": f"{hook.url}/convert", "caBundle": bundle(certificates)}
        webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
        old, new = spec_schema(colour="string"), spec_schema(paint="string")
        versions = (
            version("v1", old, storage=True, selectableFields=[{"jsonPath": ".spec.colour"}]),
            version("v2", new, selectableFields=[{"jsonPath": ".spec.paint"}]),
        )
        await define(server, definition(*versions, conversion={"strategy": "Webhook", "webhook": webhook}))
        second = BOATS.replace("/v1/", "/v2/")
        for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
            await create(server, boat(name, spec={"colour": colour}))
        assert await listed(second, fieldSelector="spec.paint=red") == ["a", "c"]
        assert await listed(second, fieldSelector="spec.paint!=red") == ["b"]
        assert await listed(second, fieldSelector="spec.paint=red,metadata.name=c") == ["c"]
        assert await listed(second, labelSelector="paint=blue") == ["b"]
        assert await listed(BOATS, fieldSelector="spec.colour=red") == ["a", "c"]
        assert await listed(BOATS, labelSelector="paint") == []
        refused = await server.call("GET", f"{second}?fieldSelector=spec.colour=red")
        assert refused.body["message"] == "field label not supported: spec.colour"
        first = (await server.call("GET", f"{second}?fieldSelector=spec.paint=red&limit=1")).body
        assert [each["spec"] for each in first["items"]] == [{"paint": "red"}]
        since, token = first["metadata"]["resourceVersion"], first["metadata"]["continue"]
        for name, colour in (("b", "red"), ("a", "green"), ("c", "red"), ("a", "black")):
            body = {"spec": {"colour": colour}, "metadata": {"annotations": {"now": colour}}}
            assert (await server.call("PATCH", f"{BOATS}/{name}", json=body, headers=MERGE)).status == 200
        assert await listed(second, fieldSelector="spec.paint=red", limit="5", **{"continue": token}) == ["c"]
        for wanted, events in (
            (f"resourceVersion={since}", [("ADDED", "b"), ("DELETED", "a"), ("MODIFIED", "c")]),
            ("resourceVersion=0", [("ADDED", "b"), ("ADDED", "c")]),
        ):
            query = f"watch=1&timeoutSeconds=1&fieldSelector=spec.paint%3Dred&{wanted}"
            lines = (await server.call("GET", f"{second}?{query}")).text.splitlines()
            seen = [json.loads(line) for line in lines]
            assert [(each["type"], each["object"]["metadata"]["name"]) for each in seen] == events, wanted
            assert {each["object"]["spec"]["paint"] for each in seen} == {"red"}
        assert (await server.call("DELETE", f"{second}?fieldSelector=spec.paint%3Dred")).status == 200
        assert await listed(BOATS) == ["a"]


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


async def test_the_stored_version_need_not_be_served_and_neither_need_any(server: Door) -> None:
    hidden = version("v1", spec_schema(sails="integer"), storage=True, served=False)
    shown = version("v2", spec_schema(sails="integer"))
    await define(server, definition(hidden, shown))
    second = BOATS.replace("/v1/", "/v2/")
    await create(server, boat("a", version="v2", spec={"sails": 1}), second)
    assert (await server.call("GET", BOATS)).status == 404
    stored = await server.storage.get(f"/registry/{GROUP}/boats/default/a".encode())
    assert json.loads(stored.kvs[0].value)["apiVersion"] == f"{GROUP}/v1"
    body = (await server.call("GET", f"{DEFINITIONS}/{NAME}")).body
    body["spec"]["versions"][1]["served"] = False
    assert (await server.call("PUT", f"{DEFINITIONS}/{NAME}", json=body)).status == 200
    await gone(server, second)
    await server.call("DELETE", f"{DEFINITIONS}/{NAME}")
    await gone(server, f"{DEFINITIONS}/{NAME}")
    assert not (await server.storage.get(f"/registry/{GROUP}/boats/default/a".encode())).kvs
