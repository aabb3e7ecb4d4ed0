"""OpenAPI documents as kubectl reads them."""

import asyncio
import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from apiserver.kinds import KINDS
from apiserver.openapi import pages
from apiserver.openapi.documents import group_path, index, whole
from apiserver.openapi.schemas import V2, V3
from apiserver.schema import load
from tests.clients.models import snake

CORE = whole([kind for kind in KINDS if not kind.group], V3)
SCHEMAS = CORE["components"]["schemas"]
GVK = "x-kubernetes-group-version-kind"


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(references(item) for item in value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("path", sorted(index(KINDS)))
def test_every_reference_leads_to_a_schema(path: str):
    document = whole([kind for kind in KINDS if group_path(kind) == path], V3)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_every_reference_of_version_2_leads_to_a_definition():
    document = whole(KINDS, V2)
    assert references(document) <= {f"#/definitions/{name}" for name in document["definitions"]}


def test_a_pod_has_documented_fields_and_its_kind():
    pod = SCHEMAS["io.k8s.api.core.v1.Pod"]
    assert pod[GVK] == [{"group": "", "version": "v1", "kind": "Pod"}]
    spec = SCHEMAS["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["restartPolicy"]["description"].startswith("Restart policy for all containers within the pod.")
    assert spec["containers"]["x-kubernetes-list-map-keys"] == ["name"]
    assert spec["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert SCHEMAS["io.k8s.api.core.v1.PodSpec"]["required"] == ["containers"]


def test_a_patch_says_that_it_takes_field_validation():
    patch = CORE["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert {"dryRun", "fieldValidation", "fieldManager", "force"} <= {each["name"] for each in patch["parameters"]}
    assert patch[GVK] == {"group": "", "version": "v1", "kind": "Pod"}


def test_kinds_of_the_whole_cluster_have_no_namespace_in_their_path():
    assert "/api/v1/nodes/{name}" in CORE["paths"]
    assert "/api/v1/namespaces/{name}/finalize" in CORE["paths"]
    assert "/api/v1/namespaces/{namespace}/pods/{name}/status" in CORE["paths"]
    assert "get" in CORE["paths"]["/api/v1/pods"]


def test_operation_ids_are_unique():
    ids = [
        operation["operationId"]
        for path in CORE["paths"].values()
        for operation in path.values()
        if "responses" in operation
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", sorted(index(KINDS)))
def test_calls_are_named_and_take_what_the_python_client_has_made_of_kubernetes_own(path: str):
    """Its methods and their arguments were generated from Kubernetes' document."""
    document = whole([kind for kind in KINDS if group_path(kind) == path], V2)
    for at, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            call = item[method]
            group = "".join(part[0].upper() + part[1:] for part in call["tags"][0].split("_"))
            name = snake(call["operationId"].replace(group, "", 1))
            found = signature(getattr(getattr(client, f"{group}Api"), name))
            wanted = {each for each in found.parameters if not each.startswith("_")} - NOT_OURS
            said = {snake(each["name"]) for each in (*call.get("parameters", ()), *item["parameters"])} - {"continue"}
            if "{path}" in at:  # the client has two of that name: of the path, and of the query
                wanted.discard("path2")
            assert said == wanted, f"{method} {at}"


NOT_OURS = {"self", "async_req", "shard_selector"}  # sharded lists are alpha


def test_fields_of_few_values_tell_them():
    spec = SCHEMAS["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["restartPolicy"]["enum"] == ["Always", "Never", "OnFailure"]


def test_every_row_of_the_values_is_a_field():
    path = Path(load.__file__).with_name("enums.tsv")
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    assert [(row[0], row[1]) for row in rows if not load.schema(row[0]).fields[row[1]].enum] == []


@pytest.mark.parametrize("path", sorted(index(KINDS)))
def test_every_kind_is_documented_under_its_name(path: str):
    kinds = [kind for kind in KINDS if group_path(kind) == path]
    schemas = whole(kinds, V3)["components"]["schemas"].values()
    found = {tuple(each.values()): schema["description"] for schema in schemas for each in schema.get(GVK, ())}
    assert all(found[kind.group, kind.version, kind.kind] for kind in kinds)


def test_the_index_changes_with_the_kinds():
    fewer = [kind for kind in KINDS if kind.kind != "Pod"]
    assert index(fewer)["api/v1"] != index(KINDS)["api/v1"]
    assert index(fewer)["apis/coordination.k8s.io/v1"] == index(KINDS)["apis/coordination.k8s.io/v1"]


def test_documents_are_plain_json():
    assert json.loads(json.dumps(CORE)) == CORE


async def test_others_have_their_turn_while_a_document_is_made() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    made = json.loads(await pages._json(KINDS, V2))
    task.cancel()
    assert turns > 1
    assert made == whole(KINDS, V2)
