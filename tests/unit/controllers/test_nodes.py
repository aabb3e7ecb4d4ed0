from typing import Any

from controllers import node_lifecycle, pod_gc, taint_eviction
from podling.api.meta import micro_timestamp, timestamp
from podling.client.resource import LEASES, NODES, PODS


def node(bench: Any, name: str = "n1", ready: str = "True", **spec: Any) -> None:
    conditions = [{"type": "Ready", "status": ready}]
    metadata = {"name": name, "creationTimestamp": timestamp(bench.clock.now())}
    bench.client.add(NODES, {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}})


def taints(bench: Any) -> list[tuple[str, str]]:
    spec = bench.client.find(NODES, "n1").get("spec", {})
    return [(taint["key"].rpartition("/")[2], taint["effect"]) for taint in spec.get("taints") or ()]


async def test_a_silent_node_becomes_unknown_and_unreachable_and_recovers(bench: Any) -> None:
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
