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
    patient = {"key": "x", "operator": "Exists", "tolerationSeconds": 60}
    for name, tolerations in (("none", []), ("minute", [patient]), ("ever", [{"operator": "Exists"}])):
        spec = {"containers": [], "nodeName": "n1", "tolerations": tolerations, "terminationGracePeriodSeconds": 0}
        bench.client.add(PODS, {"metadata": {"name": name}, "spec": spec})
    await bench.start(taint_eviction.control)

    def staying() -> list[str]:
        return [
            name for name in bench.names("pods") if "deletionTimestamp" not in bench.client.find(PODS, name)["metadata"]
        ]

    await bench.wait()
    assert staying() == ["ever", "minute"]
    await bench.wait(61)
    assert staying() == ["ever"]


async def test_pods_of_a_node_that_is_gone_are_removed_after_a_while(bench: Any) -> None:
    node(bench)
    for name, on in (("here", "n1"), ("lost", "n2")):
        bench.client.add(PODS, {"metadata": {"name": name}, "spec": {"containers": [], "nodeName": on}})
    await bench.start(pod_gc.control)
    await bench.wait(39)
    assert bench.names("pods") == ["here", "lost"]
    await bench.wait(2)
    assert bench.names("pods") == ["here"]


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
