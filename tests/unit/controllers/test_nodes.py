from datetime import timedelta
from typing import Any

import pytest

from controllers import node_lifecycle, pod_gc, taint_eviction, zones
from podling.api.meta import micro_timestamp, timestamp
from podling.client.resource import LEASES, NODES, PODS


def node(bench: Any, name: str = "n1", ready: str = "True", **spec: Any) -> None:
    conditions = [{"type": "Ready", "status": ready}]
    metadata = {"name": name, "creationTimestamp": timestamp(bench.clock.now())}
    bench.client.add(NODES, {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}})


def well(bench: Any, name: str = "well", **labels: str) -> None:
    """Another node, that is ready and stays so."""
    node(bench, name)
    bench.client.objects["nodes", "", name]["metadata"]["labels"] = labels
    renewed = {"renewTime": micro_timestamp(bench.clock.now() + timedelta(days=1))}
    bench.client.add(LEASES, {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": renewed})


def taints(bench: Any, name: str = "n1") -> list[tuple[str, str]]:
    spec = bench.client.find(NODES, name).get("spec", {})
    return [(taint["key"].rpartition("/")[2], taint["effect"]) for taint in spec.get("taints") or ()]


async def test_a_silent_node_becomes_unknown_and_unreachable_and_recovers(bench: Any) -> None:
    well(bench)
    node(bench)
    await bench.start(node_lifecycle.control)
    await bench.wait(39)
    assert taints(bench) == []
    await bench.wait(2)
    ready = bench.client.find(NODES, "n1")["status"]["conditions"][0]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "NodeStatusUnknown")
    assert taints(bench) == [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
    status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    renewed = {"renewTime": micro_timestamp(bench.clock.now())}
    bench.client.add(LEASES, {"metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": renewed})
    await bench.client.patch(NODES, "n1", status, subresource="status")
    await bench.wait()
    assert taints(bench) == []


async def test_a_node_that_renews_its_lease_stays_as_it_is(bench: Any) -> None:
    node(bench)
    bench.client.add(LEASES, {"metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": {}})
    await bench.start(node_lifecycle.control)
    for _ in range(10):
        renewed = {"spec": {"renewTime": micro_timestamp(bench.clock.now())}}
        await bench.client.patch(LEASES, "n1", renewed, "kube-node-lease")
        await bench.wait(10)
    assert bench.client.find(NODES, "n1")["status"]["conditions"] == [{"type": "Ready", "status": "True"}]


async def test_a_node_that_says_it_is_not_ready_is_tainted_and_others_taints_stay(bench: Any) -> None:
    well(bench)
    node(bench, ready="False", taints=[{"key": "example.com/mine", "effect": "NoSchedule"}])
    await bench.start(node_lifecycle.control)
    await bench.wait()
    assert taints(bench) == [("mine", "NoSchedule"), ("not-ready", "NoSchedule"), ("not-ready", "NoExecute")]


async def test_pods_leave_a_tainted_node_when_their_patience_ends(bench: Any) -> None:
    tainted = {"key": "x", "effect": "NoExecute", "timeAdded": timestamp(bench.clock.now())}
    node(bench, taints=[tainted])
    for name, tolerations in (("none", []), ("minute", [PATIENT]), ("ever", [{"operator": "Exists"}])):
        spec = {"containers": [], "nodeName": "n1", "tolerations": tolerations, "terminationGracePeriodSeconds": 0}
        metadata = {"name": name, "creationTimestamp": timestamp(bench.clock.now())}
        bench.client.add(PODS, {"metadata": metadata, "spec": spec})
    await bench.start(taint_eviction.control)

    def staying() -> list[str]:
        return [
            name for name in bench.names("pods") if "deletionTimestamp" not in bench.client.find(PODS, name)["metadata"]
        ]

    await bench.wait()
    assert staying() == ["ever", "minute"]
    assert disruption(bench, "none") == ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
    await bench.wait(61)
    assert staying() == ["ever"]
    told = {(event["involvedObject"]["name"], event["message"]) for event in events(bench)}
    assert ("minute", "Marking for deletion Pod default/minute") in told


def events(bench: Any) -> list[Any]:
    return [found for (kind, _, _), found in bench.client.objects.items() if kind == "events"]


def disruption(bench: Any, name: str) -> tuple[str, str]:
    conditions = bench.client.find(PODS, name)["status"]["conditions"]
    found = next(each for each in conditions if each["type"] == "DisruptionTarget" and each["status"] == "True")
    return found["reason"], found["message"]


PATIENT = {"key": "x", "operator": "Exists", "tolerationSeconds": 60}


def patient(bench: Any, name: str) -> None:
    created = timestamp(bench.clock.now())
    spec = {"containers": [], "nodeName": "n1", "tolerations": [PATIENT]}
    bench.client.add(PODS, {"metadata": {"name": name, "creationTimestamp": created}, "spec": spec})


async def test_a_taint_that_does_not_say_when_it_was_added_was_added_when_it_was_seen(bench: Any) -> None:
    node(bench, taints=[{"key": "x", "effect": "NoExecute"}])
    patient(bench, "a")
    await bench.start(taint_eviction.control)
    await bench.wait(50)
    assert "deletionTimestamp" not in bench.client.find(PODS, "a")["metadata"]
    await bench.wait(11)
    assert "deletionTimestamp" in bench.client.find(PODS, "a")["metadata"]


async def test_the_patience_of_a_pod_that_comes_later_begins_when_it_comes(bench: Any) -> None:
    node(bench, taints=[{"key": "x", "effect": "NoExecute", "timeAdded": timestamp(bench.clock.now())}])
    await bench.start(taint_eviction.control)
    await bench.wait(100)
    patient(bench, "a")
    await bench.wait(50)
    assert "deletionTimestamp" not in bench.client.find(PODS, "a")["metadata"]
    await bench.wait(11)
    assert "deletionTimestamp" in bench.client.find(PODS, "a")["metadata"]


async def test_a_taint_taken_away_in_time_lets_the_pod_stay(bench: Any) -> None:
    node(bench, taints=[{"key": "x", "effect": "NoExecute"}])
    patient(bench, "a")
    await bench.start(taint_eviction.control)
    await bench.wait(30)
    await bench.client.patch(NODES, "n1", {"spec": {"taints": None}})
    await bench.wait(100)
    assert "deletionTimestamp" not in bench.client.find(PODS, "a")["metadata"]
    assert [event["message"] for event in events(bench)] == ["Cancelling deletion of Pod default/a"]


async def test_pods_of_a_node_that_is_gone_are_removed_after_a_while(bench: Any) -> None:
    node(bench)
    for name, on in (("here", "n1"), ("lost", "n2")):
        bench.client.add(PODS, {"metadata": {"name": name}, "spec": {"containers": [], "nodeName": on}})
    await bench.start(pod_gc.control)
    await bench.wait(39)
    assert bench.names("pods") == ["here", "lost"]
    told: list[Any] = []
    bench.client.fail = lambda verb, plural, name: (
        told.append(bench.client.find(PODS, name)) if verb == "delete" else None
    )
    await bench.wait(2)
    assert bench.names("pods") == ["here"]
    last = told[0]["status"]
    assert (last["phase"], last["conditions"][0]["reason"]) == ("Failed", "DeletionByPodGC")
    assert last["conditions"][0]["message"] == "PodGC: node no longer exists"


async def test_of_too_many_pods_that_ended_the_oldest_go(bench: Any) -> None:
    node(bench)
    for day in (3, 1, 2):
        metadata = {"name": f"p{day}", "creationTimestamp": f"2026-01-0{day}T00:00:00Z"}
        body = {"metadata": metadata, "spec": {"containers": [], "nodeName": "n1"}, "status": {"phase": "Succeeded"}}
        bench.client.add(PODS, body)
    await bench.start(lambda context: pod_gc.control(context, most_ended=2))
    await bench.wait()
    assert bench.names("pods") == ["p2", "p3"]


async def test_a_deleted_pod_that_never_had_a_node_goes(bench: Any) -> None:
    metadata = {"name": "a", "deletionTimestamp": timestamp()}
    bench.client.add(PODS, {"metadata": metadata, "spec": {"containers": []}})
    await bench.start(pod_gc.control)
    await bench.wait()
    assert bench.names("pods") == []


async def test_pressure_and_cordoning_keep_new_pods_away_as_long_as_they_last(bench: Any) -> None:
    node(bench, unschedulable=True)
    await bench.start(node_lifecycle.control)
    await bench.wait()
    assert taints(bench) == [("unschedulable", "NoSchedule")]
    pressed = [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "True"}]
    await bench.client.patch(NODES, "n1", {"status": {"conditions": pressed}}, subresource="status")
    await bench.client.patch(NODES, "n1", {"spec": {"unschedulable": None}})
    await bench.wait()
    assert taints(bench) == [("memory-pressure", "NoSchedule")]
    calm = [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}]
    await bench.client.patch(NODES, "n1", {"status": {"conditions": calm}}, subresource="status")
    await bench.wait()
    assert taints(bench) == []


async def test_where_no_node_is_ready_no_pod_has_to_go(bench: Any) -> None:
    well(bench)
    node(bench, ready="False")
    await bench.start(node_lifecycle.control)
    await bench.wait()
    assert ("not-ready", "NoExecute") in taints(bench)
    gone = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    await bench.client.patch(NODES, "well", gone, subresource="status")
    await bench.wait()
    assert taints(bench) == taints(bench, "well") == [("not-ready", "NoSchedule")]
    back = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    await bench.client.patch(NODES, "well", back, subresource="status")
    await bench.wait(11)
    assert ("not-ready", "NoExecute") in taints(bench)
    assert taints(bench, "well") == []


async def test_the_nodes_of_a_zone_are_emptied_one_after_another(bench: Any) -> None:
    for name in ("w1", "w2", "w3"):
        well(bench, name)
    for name in ("n1", "n2"):
        node(bench, name, ready="False")
    await bench.start(node_lifecycle.control)

    def emptied() -> int:
        return sum(("not-ready", "NoExecute") in taints(bench, name) for name in ("n1", "n2"))

    await bench.wait(5)
    assert emptied() == 1
    await bench.wait(6)
    assert emptied() == 2


async def test_a_small_zone_that_is_mostly_ill_is_left_alone(bench: Any) -> None:
    well(bench)
    for name in ("n1", "n2", "n3"):
        node(bench, name, ready="False")
    await bench.start(node_lifecycle.control)
    await bench.wait(30)
    assert [taints(bench, name) for name in ("n1", "n2", "n3")] == [[("not-ready", "NoSchedule")]] * 3


async def test_pods_of_a_silent_node_are_not_ready(bench: Any) -> None:
    node(bench)
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    bench.client.add(PODS, {"metadata": {"name": "a"}, "spec": {"containers": [], "nodeName": "n1"}, "status": status})
    await bench.start(node_lifecycle.control)
    await bench.wait(39)
    assert bench.client.find(PODS, "a")["status"]["conditions"][0]["status"] == "True"
    await bench.wait(2)
    assert bench.client.find(PODS, "a")["status"]["conditions"][0]["status"] == "False"
    assert ("NodeNotReady", "Node is not ready") in {(event["reason"], event["message"]) for event in events(bench)}


ILL = [
    ([True], zones.NORMAL),
    ([False], zones.FULL),
    ([True, False, False], zones.NORMAL),
    ([True, False, False, False], zones.PARTIAL),
    ([True] * 4 + [False] * 4, zones.NORMAL),
    ([False] * 9, zones.FULL),
]


@pytest.mark.parametrize(("ready", "state"), ILL)
def test_a_zone_is_as_ill_as_its_nodes(ready: list[bool], state: str) -> None:
    assert zones.state(ready) == state
