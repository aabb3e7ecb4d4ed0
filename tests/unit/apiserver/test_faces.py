"""Kinds that are served in two places, over HTTP: what one writes the other shows, in lists and watches too."""

import asyncio
import json
from typing import Any

from tests.unit.apiserver.running import Running

CORE, EVENTS = "/api/v1/namespaces/default/events", "/apis/events.k8s.io/v1/namespaces/default/events"
V1, V2 = (f"/apis/autoscaling/{each}/namespaces/default/horizontalpodautoscalers" for each in ("v1", "v2"))
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name},
        "eventTime": "2026-01-02T03:04:05.000000Z",
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        "action": "Run",
        "reason": "R",
        "type": "Normal",
        "note": "hello",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        **fields,
    }


async def test_an_event_has_one_life_under_two_names(server: Running) -> None:
    status, made = await server.call("POST", EVENTS, json=event("e"))
    assert (status, made["apiVersion"], made["note"]) == (201, "events.k8s.io/v1", "hello")
    _, core = await server.call("GET", f"{CORE}/e")
    assert (core["apiVersion"], core["message"], core["reportingComponent"]) == ("v1", "hello", "example.com/c")
    assert core["metadata"]["uid"] == made["metadata"]["uid"]
    _, found = await server.call("GET", f"{EVENTS}?fieldSelector=regarding.name=p,reportingController=example.com/c")
    assert (found["kind"], [each["note"] for each in found["items"]]) == ("EventList", ["hello"])
    status, taken = await server.call("POST", CORE, json={**core, "metadata": {"name": "e"}})
    assert (status, taken["message"]) == (409, 'events "e" already exists')
    assert (await server.call("DELETE", f"{CORE}/e"))[0] == 200
    assert (await server.call("GET", f"{EVENTS}/e"))[1]["message"] == 'events "e" not found'


async def test_only_the_series_of_an_event_goes_on(server: Running) -> None:
    await server.call("POST", EVENTS, json=event("s"))
    series = {"series": {"count": 1, "lastObservedTime": "2026-01-02T03:06:05.000000Z"}}
    status, refused = await server.call("PATCH", f"{EVENTS}/s", json={**series, "action": "Stop"}, headers=MERGE)
    assert (status, refused["message"]) == (
        422,
        'Event "s" is invalid: [series.count: Invalid value: "": should be at least 2, action: Invalid value: "Stop": '
        "field is immutable]",
    )
    status, _ = await server.call("PATCH", f"{CORE}/s", json={"action": "Stop"}, headers=MERGE)
    assert status == 200, "the core group is less strict"


async def test_a_watch_shows_its_own_version(server: Running) -> None:
    _, listed = await server.call("GET", EVENTS)
    version = listed["metadata"]["resourceVersion"]
    path = f"{server.config.url}{EVENTS}?watch=1&resourceVersion={version}&fieldSelector=reason=Started"
    async with asyncio.timeout(60), server.session.get(path) as response:
        other = {"reason": "Stopped", "involvedObject": {"namespace": "default"}, "metadata": {"name": "x"}}
        core = {**other, "reason": "Started", "message": "up", "metadata": {"name": "w"}}
        for each in (other, core):
            assert (await server.call("POST", CORE, json={"apiVersion": "v1", "kind": "Event", **each}))[0] == 201
        seen = json.loads(await response.content.readline())
    assert (seen["type"], seen["object"]["apiVersion"], seen["object"]["note"]) == ("ADDED", "events.k8s.io/v1", "up")


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"},
            **spec,
        },
    }


async def test_an_autoscaler_written_in_either_version_is_one(server: Running) -> None:
    status, made = await server.call("POST", V1, json=autoscaler("v1", targetCPUUtilizationPercentage=60))
    assert status == 201
    _, found = await server.call("GET", f"{V2}/h")
    assert found["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    memory = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "9"}},
    }
    await server.call("PATCH", f"{V2}/h", json={"spec": {"metrics": [memory]}}, headers=MERGE)
    _, old = await server.call("GET", f"{V1}/h")
    assert "targetCPUUtilizationPercentage" not in old["spec"]
    status, same = await server.call("PUT", f"{V1}/h", json={**old, "spec": {**old["spec"], "maxReplicas": 9}})
    assert (status, same["spec"]["maxReplicas"]) == (200, 9)
    _, found = await server.call("GET", f"{V2}/h")
    assert found["spec"]["metrics"] == [memory]
    assert "annotations" not in found["metadata"]
    assert found["metadata"]["uid"] == made["metadata"]["uid"]


async def test_an_autoscalers_status_is_written_in_either_version(server: Running) -> None:
    await server.call("POST", V2, json=autoscaler("v2"))
    told = {"status": {"currentReplicas": 2, "desiredReplicas": 3, "currentCPUUtilizationPercentage": 41}}
    status, found = await server.call("PATCH", f"{V1}/h/status", json=told, headers=MERGE)
    assert (status, found["status"]["currentCPUUtilizationPercentage"]) == (200, 41)
    _, found = await server.call("GET", f"{V2}/h/status")
    assert found["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 41
    wrong = {"status": {"currentReplicas": -1}}
    status, refused = await server.call("PATCH", f"{V2}/h/status", json=wrong, headers=MERGE)
    assert status == 422
    assert "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0" in refused["message"]


async def test_an_autoscaler_is_applied_in_one_version_and_in_the_other(server: Running) -> None:
    path = "fieldManager=a&force=true"
    status, _ = await server.call("PATCH", f"{V1}/h?{path}", json=autoscaler("v1"), headers=APPLY)
    assert status == 201
    status, found = await server.call("PATCH", f"{V2}/h?{path}", json=autoscaler("v2", minReplicas=2), headers=APPLY)
    assert (status, found["spec"]["minReplicas"]) == (200, 2)


async def test_component_statuses_tell_who_is_well(server: Running) -> None:
    async with server.session.get(f"{server.config.url}/api/v1/componentstatuses") as response:
        found = await response.json()
        assert response.headers["Warning"] == '299 - "v1 ComponentStatus is deprecated in v1.19+"'
    told = {each["metadata"]["name"]: each["conditions"][0] for each in found["items"]}
    assert told["etcd-0"] == {"type": "Healthy", "status": "True", "message": "ok"}
    assert told["scheduler"]["status"] == "False"
    assert told["scheduler"]["message"].startswith('Get "https://127.0.0.1:10259/healthz": dial tcp 127.0.0.1:10259')
    status, one = await server.call("GET", "/api/v1/componentstatuses/etcd-0")
    assert (status, one["conditions"]) == (200, [told["etcd-0"]])
    status, refused = await server.call("GET", "/api/v1/componentstatuses/mine")
    assert (status, refused["message"]) == (500, "Component not found: mine")


async def test_the_range_of_services_is_an_object(server: Running) -> None:
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    _, found = await server.call("GET", f"{path}/kubernetes")
    assert found["spec"] == {"cidrs": [server.config.service_cluster_ip_range]}
    assert found["status"]["conditions"][0]["type"] == "Ready"
    change = {"spec": {"cidrs": ["10.0.0.0/8"]}}
    status, refused = await server.call("PATCH", f"{path}/kubernetes", json=change, headers=MERGE)
    assert (status, refused["message"].partition("is invalid: ")[2]) == (
        422,
        'spec.cidrs[0]: Invalid value: "10.0.0.0/8": field is immutable',
    )


async def test_devices_of_others_are_for_administrators(server: Running) -> None:
    spec = {"devices": {"requests": [{"name": "g", "exactly": {"deviceClassName": "x", "adminAccess": True}}]}}
    claim = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "c"}, "spec": spec}
    path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
    status, refused = await server.call("POST", path, json=claim)
    words = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing"
    assert (status, words in refused["message"]) == (422, True)
    label = {"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}}
    await server.call("PATCH", "/api/v1/namespaces/default", json=label, headers=MERGE)
    assert (await server.call("POST", path, json=claim))[0] == 201
