"""Definitions of boats, and a server that knows them."""

import asyncio
from typing import Any

from tests.unit.apiserver.door import Door

Object = dict[str, Any]

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "example.com"
BOATS = f"/apis/{GROUP}/v1/namespaces/default/boats"
MERGE = {"Content-Type": "application/merge-patch+json"}
FREE: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def spec_schema(**fields: Any) -> Object:
    """Of an object whose spec has these fields: names to types or to whole schemas."""
    properties = {name: {"type": each} if isinstance(each, str) else each for name, each in fields.items()}
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def version(name: str, schema: Object = FREE, *, storage: bool = False, served: bool = True, **more: Any) -> Object:
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(*versions: Object, plural: str = "boats", kind: str = "Boat", **spec: Any) -> Object:
    names = {"plural": plural, "kind": kind, **spec.pop("names", {})}
    said = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": list(versions), **spec}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{said['group']}"},
        "spec": said,
    }


def boat(name: str, *, version: str = "v1", **body: Any) -> Object:
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Boat", "metadata": {"name": name}, **body}


async def condition(server: Door, name: str, type_: str, status: str = "True") -> Object:
    """The definition once a condition of it is so."""
    for _ in range(3000):
        found = (await server.call("GET", f"{DEFINITIONS}/{name}")).body
        conditions = (found.get("status") or {}).get("conditions") or ()
        if any((each["type"], each["status"]) == (type_, status) for each in conditions):
            return dict(found)
        await asyncio.sleep(0.02)
    raise AssertionError(f"{name} never had {type_}={status}: {found}")


async def define(server: Door, body: Object) -> Object:
    """The definition, established."""
    made = await server.call("POST", DEFINITIONS, json=body)
    assert made.status == 201, made.text
    return await condition(server, body["metadata"]["name"], "Established")


async def create(server: Door, body: Object, path: str = BOATS) -> Object:
    made = await server.call("POST", path, json=body)
    assert made.status == 201, made.text
    return dict(made.body)


async def gone(server: Door, path: str) -> None:
    """Waits until nothing is served there."""
    for _ in range(3000):
        if (await server.call("GET", path)).status == 404:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path} is still there")
