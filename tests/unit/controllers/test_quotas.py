"""Quotas count what is there, and let through what fits: the controller and the plugin count alike."""

import asyncio
from typing import Any

import pytest

from apiserver.admission.plugin import Admission
from apiserver.admission.resourcequota import QUOTAS, ResourceQuota
from apiserver.kinds import KINDS
from apiserver.lister import MemoryLister
from apiserver.request import User
from controllers import resource_quota
from podling.api import quota
from podling.api.errors import Forbidden
from podling.client.resource import PODS, RESOURCE_QUOTAS

POD_KIND = next(kind for kind in KINDS if kind.plural == "pods" and not kind.group)


def pod(name: str, phase: str = "Running", **resources: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "app", "resources": resources}]}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("obj", "name", "wanted"),
    [
        (pod("a", requests={"cpu": "100m"}), "requests.cpu", "100m"),
        (pod("a", requests={"cpu": "100m"}), "cpu", "100m"),
        (pod("a", limits={"memory": "1Gi"}), "limits.memory", "1Gi"),
        (pod("a"), "count/pods", "1"),
        (pod("a", phase="Succeeded"), "pods", "0"),
        (pod("a", phase="Succeeded"), "count/pods", "1"),
    ],
)
def test_what_a_pod_counts(obj: dict[str, Any], name: str, wanted: str) -> None:
    assert str(quota.usage("", "pods", obj).get(name, quota.NONE)) == wanted


def test_scopes_choose_pods() -> None:
    best_effort, burstable = pod("a"), pod("b", requests={"cpu": "1"})
    assert quota.means({"scopes": ["BestEffort"]}, "", "pods", best_effort)
    assert not quota.means({"scopes": ["BestEffort"]}, "", "pods", burstable)
    assert not quota.means({"scopes": ["BestEffort"]}, "", "services", {})
    high = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}
    assert quota.means({"scopeSelector": high}, "", "pods", {"spec": {"priorityClassName": "high"}})
    assert not quota.means({"scopeSelector": high}, "", "pods", {"spec": {}})


@pytest.mark.parametrize(
    ("operator", "values", "wanted"),
    [
        ("Exists", [], (True, False)),
        ("DoesNotExist", [], (False, True)),
        ("In", ["fast"], (True, False)),
        ("In", ["slow"], (True, False)),
        ("In", ["other"], (False, False)),
        ("NotIn", ["fast", "slow"], (False, True)),
    ],
)
def test_a_scope_chooses_claims_by_their_attributes(
    operator: str, values: list[str], wanted: tuple[bool, bool]
) -> None:
    scope = {"scopeName": "VolumeAttributesClass", "operator": operator, "values": values}
    spec = {"scopeSelector": {"matchExpressions": [scope]}}
    going = {"modifyVolumeStatus": {"targetVolumeAttributesClassName": "slow"}}
    claims = ({"spec": {"volumeAttributesClassName": "fast"}, "status": going}, {"spec": {}})
    assert tuple(quota.means(spec, "", "persistentvolumeclaims", claim) for claim in claims) == wanted
    assert not quota.means(spec, "", "pods", pod("a"))


async def test_the_controller_counts_what_is_there_and_what_goes(bench: Any) -> None:
    metadata = {"name": "q", "namespace": "default"}
    bench.client.add(RESOURCE_QUOTAS, {"metadata": metadata, "spec": {"hard": {"pods": "5", "requests.cpu": "2"}}})
    bench.client.add(PODS, pod("a", requests={"cpu": "300m"}))
    bench.client.add(PODS, pod("b", requests={"cpu": "200m"}))
    bench.client.add(PODS, pod("done", phase="Failed", requests={"cpu": "1"}))
    await bench.start(resource_quota.control)
    await bench.wait()

    def used() -> Any:
        return bench.client.find(RESOURCE_QUOTAS, "q")["status"]["used"]

    assert used() == {"pods": "2", "requests.cpu": "500m"}
    await bench.client.delete(PODS, "a", "default", grace_seconds=0)
    await bench.wait()
    assert used() == {"pods": "1", "requests.cpu": "200m"}


async def test_writers_at_once_never_exceed_a_quota() -> None:
    lister = MemoryLister()
    body = {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": {"pods": "5"}}}
    lister.put(QUOTAS, {**body, "status": {"hard": {"pods": "5"}, "used": {"pods": "0"}}})

    async def count(namespace: str, name: str, change: Any) -> None:
        await asyncio.sleep(0)  # others run meanwhile
        current = lister.get(QUOTAS, namespace, name)
        assert current is not None
        lister.put(QUOTAS, await change({**current, "status": dict(current["status"])}))

    plugin = ResourceQuota(lister, count)

    async def create(number: int) -> bool:
        made = pod(f"p{number}", phase="Pending")
        write = Admission("CREATE", POD_KIND, "", "default", f"p{number}", User("ann"), made, None)
        try:
            await plugin.validate(write)
        except Forbidden as error:
            assert "exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5" in error.message
            return False
        return True

    allowed = await asyncio.gather(*(create(number) for number in range(20)))
    assert sum(allowed) == 5
