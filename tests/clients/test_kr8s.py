"""kr8s, unmodified: objects, lists, watches, waits, patches, scales and custom resources."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import kr8s
import pytest
from kr8s.asyncio import Api
from kr8s.asyncio.objects import (
    ConfigMap,
    CustomResourceDefinition,
    Deployment,
    Namespace,
    Pod,
    Secret,
    Service,
    new_class,
    objects_from_files,
)

from tests.clients.conftest import Server

Object = dict[str, Any]

pytestmark = [
    # It has not been released since 1.36 was.
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning"),
]


@pytest.fixture
async def api(server: Server, namespace: str) -> AsyncIterator[Api]:
    made: Api = await kr8s.asyncio.api(kubeconfig=server.kubeconfig)
    made.namespace = namespace
    yield made
    await made._session.aclose()
    await asyncio.get_running_loop().shutdown_asyncgens()  # the watches that its waits leave open


def pod(name: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": "example.org/app:1"}]},
    }


async def test_versions_and_resources(api: Api) -> None:
    assert (await api.version())["major"] == "1"
    kinds = {each["kind"] for each in await api.api_resources()}
    assert {"Pod", "Deployment", "Role", "CustomResourceDefinition"} <= kinds
    assert "apps/v1" in [version async for version in api.api_versions()]
    assert (await api.whoami()) == "kubernetes-admin"


async def test_an_object_from_its_creation_to_its_end(api: Api, namespace: str) -> None:
    made = await ConfigMap(
        {"metadata": {"name": "conf", "namespace": namespace, "labels": {"a": "b"}}, "data": {"k": "1"}}, api=api
    )
    await made.create()
    assert await made.exists()
    await made.patch({"data": {"k": "2"}})
    await made.patch([{"op": "add", "path": "/data/more", "value": "3"}], type="json")
    assert dict(made.data) == {"k": "2", "more": "3"}
    await made.label({"c": "d"})
    await made.annotate({"note": "n"})
    read = await ConfigMap.get("conf", namespace=namespace, api=api)
    assert (dict(read.labels), dict(read.annotations)) == ({"a": "b", "c": "d"}, {"note": "n"})
    found = [each.name async for each in api.get("configmaps", namespace=namespace, label_selector={"c": "d"})]
    assert found == ["conf"]
    fields = {"metadata.name": "conf"}
    assert [each.name async for each in api.get("cm", namespace=namespace, field_selector=fields)] == ["conf"]
    await made.delete()
    await made.wait("delete", timeout=60)
    assert not await made.exists()
    with pytest.raises(kr8s.NotFoundError):
        await ConfigMap.get("conf", namespace=namespace, api=api)


async def test_a_status_waits_for_its_condition(api: Api, namespace: str) -> None:
    made = await Pod(pod("waited", namespace), api=api)
    await made.create()
    assert not await made.ready()
    waiting = asyncio.create_task(made.wait("condition=Ready", timeout=60))
    other = await Pod.get("waited", namespace=namespace, api=api)
    await other.patch({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, subresource="status")
    await waiting
    assert [each.name async for each in api.get("pods", namespace=namespace)] == ["waited"]
    await made.delete(grace_period=0)


async def test_a_workload_is_scaled_and_a_service_selects(api: Api, namespace: str) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod("web", namespace)["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = await Deployment({"metadata": {"name": "web", "namespace": namespace}, "spec": spec}, api=api)
    await web.create()
    merge = {"Content-Type": "application/merge-patch+json"}
    async with api.call_api("PATCH", version="apps/v1", url="deployments/web/scale", namespace=namespace,
                            headers=merge, json={"spec": {"replicas": 3}}) as answer:  # fmt: skip
        assert answer.json()["kind"] == "Scale"
    await web.refresh()
    assert web.replicas == 3
    service = {
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    made = await Service(service, api=api)
    await made.create()
    assert made.raw["spec"]["clusterIP"].startswith("10.")
    assert await made.ready_pods() == []


async def test_a_watch_sees_what_happens(api: Api, namespace: str) -> None:
    seen: list[tuple[str, str]] = []
    added = asyncio.Event()

    async def watch() -> None:
        async for event, each in api.watch("secrets", namespace=namespace):
            seen.append((event, each.name))
            added.set()
            if event == "DELETED":
                return

    watching = asyncio.create_task(watch())
    secret = await Secret({"metadata": {"name": "s", "namespace": namespace}, "stringData": {"a": "b"}}, api=api)
    await secret.create()
    await asyncio.wait_for(added.wait(), 60)
    await secret.patch({"stringData": {"a": "c"}})
    await secret.delete()
    await asyncio.wait_for(watching, 60)
    assert seen == [("ADDED", "s"), ("MODIFIED", "s"), ("DELETED", "s")]


async def test_custom_resources(api: Api, namespace: str) -> None:
    group = f"{namespace}.example.org"
    shape = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": shape}}
    names = {"kind": "Boat", "plural": "boats", "singular": "boat"}
    crd = await CustomResourceDefinition(
        {
            "metadata": {"name": f"boats.{group}"},
            "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
        },
        api=api,
    )
    await crd.create()
    async with asyncio.timeout(60):
        while not crd.status.conditions:  # null at first, as Kubernetes has it, which kr8s' wait cannot read
            await crd.refresh()
    await crd.wait("condition=Established", timeout=60)
    boats = new_class(kind="Boat", version=f"{group}/v1", namespaced=True, asyncio=True, plural="boats")
    boat = await boats({"metadata": {"name": "b", "namespace": namespace}, "spec": {"sails": 2}}, api=api)
    await boat.create()
    await boat.patch({"spec": {"sails": 3}})
    assert [each.spec.sails async for each in api.get(boats, namespace=namespace)] == [3]
    await crd.delete()
    await crd.wait("delete", timeout=60)


async def test_files_and_namespaces(api: Api, tmp_path: Any, namespace: str) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}-2}}\n---\n"
    text += f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: file, namespace: {namespace}-2}}\ndata: {{a: b}}\n"
    path = tmp_path / "all.yaml"
    path.write_text(text)
    for each in await objects_from_files(path, api=api):
        await each.create()
    made = await Namespace.get(f"{namespace}-2", api=api)
    await made.delete()
    await made.wait("delete", timeout=60)
