"""Who goes first, what is said of it, and who is let in under pressure."""

from collections.abc import Mapping
from typing import Any

import pytest

from kubelet.configuration import configuration
from kubelet.node.eviction import ContainerUsage, PodUsage, evicted, has_disk_limit, over_limit, rank, refusal
from kubelet.node.pressure import Pressure
from kubelet.node.thresholds import Observation, Threshold

from .build import typed_pod

MI = 1 << 20


def pod(name: str, requests: Mapping[str, str] | None = None, **spec: Any) -> Any:
    made = typed_pod([{"name": "app", "resources": {"requests": dict(requests or {})}}], **spec)
    made.metadata.name, made.metadata.uid = name, name
    return made


def memory(mega: int) -> PodUsage:
    return PodUsage([ContainerUsage("app", mega * MI)])


def ranked(resource: str, pods: list[Any], usages: Mapping[str, PodUsage]) -> list[str]:
    return [each.metadata.name for each in rank(pods, resource, usages)]


def test_who_uses_more_than_was_asked_for_goes_before_who_does_not() -> None:
    pods = [pod("within", {"memory": "100Mi"}), pod("beyond", {"memory": "10Mi"}, priority=1000)]
    assert ranked("memory", pods, {"within": memory(90), "beyond": memory(20)}) == ["beyond", "within"]


def test_then_the_lower_priority_goes_first() -> None:
    pods = [pod("high", priority=10), pod("low", priority=-1), pod("none")]
    assert ranked("memory", pods, {"high": memory(9), "low": memory(1), "none": memory(5)}) == ["low", "none", "high"]


def test_then_who_uses_most_beyond_the_request() -> None:
    pods = [pod("a", {"memory": "50Mi"}), pod("b", {"memory": "10Mi"}), pod("c")]
    assert ranked("memory", pods, {"a": memory(60), "b": memory(55), "c": memory(30)}) == ["b", "c", "a"]


def test_of_whom_nothing_is_known_goes_first() -> None:
    assert ranked("memory", [pod("known"), pod("unknown")], {"known": memory(1)}) == ["unknown", "known"]


def test_disks_count_writable_layers_logs_and_volumes() -> None:
    usages = {
        "layers": PodUsage([ContainerUsage("app", disk_bytes=5 * MI)]),
        "volumes": PodUsage([ContainerUsage("app", disk_bytes=MI)], volumes={"data": 9 * MI}),
    }
    assert ranked("ephemeral-storage", [pod("layers"), pod("volumes")], usages) == ["volumes", "layers"]
    assert ranked("inodes", [pod("few"), pod("many")], {"few": PodUsage(inodes=1), "many": PodUsage(inodes=9)}) == [
        "many",
        "few",
    ]


def test_process_ids_go_by_priority_and_number() -> None:
    usages = {"few": PodUsage(processes=2), "many": PodUsage(processes=900), "dear": PodUsage(processes=9000)}
    pods = [pod("dear", priority=1), pod("few"), pod("many")]
    assert ranked("pids", pods, usages) == ["many", "few", "dear"]


def threshold(text: str, signal: str = "memory.available", **more: Any) -> Threshold:
    return configuration({"evictionHard": {signal: text}, **more}).thresholds[0]


def test_the_message_says_what_was_short_and_who_used_how_much() -> None:
    found = evicted(
        pod("greedy", {"memory": "64Mi"}),
        threshold("100Mi"),
        Observation(95 * MI, 8 << 30),
        PodUsage([ContainerUsage("app", 200 * MI), ContainerUsage("stranger", 900 * MI)]),
        0,
    )
    assert found.reason == "Evicted"
    assert found.message == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 95Mi. "
        "Container app was using 200Mi, request is 64Mi, has larger consumption of memory. "
    )
    assert dict(found.conditions[0]) == {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "TerminationByKubelet",
        "message": found.message,
    }


def test_a_percentage_is_told_as_the_amount_that_it_is() -> None:
    found = evicted(pod("x"), threshold("10%", "nodefs.available"), Observation(0, 100 << 30), None, 0)
    assert found.message == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 0. "
    )


@pytest.mark.parametrize(
    ("soft", "own", "most", "expected"), [(False, 30, 60, 1), (False, 0, 60, 0), (True, 30, 5, 5), (True, 3, 5, 3)]
)
def test_the_grace_period(soft: bool, own: int, most: int, expected: int) -> None:
    met = Threshold("memory.available", threshold("1Gi").least, 10.0 if soft else None)
    found = evicted(pod("x", terminationGracePeriodSeconds=own), met, Observation(0, 1), None, most)
    assert found.grace_seconds == expected


TOLERATES = [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("pressure", "spec", "refused"),
    [
        (Pressure(), {}, False),
        (Pressure(memory=True), {}, True),
        (Pressure(memory=True), {"requests": {"memory": "1Mi"}}, False),
        (Pressure(memory=True), {"tolerations": TOLERATES}, False),
        (Pressure(memory=True), {"priority": 2_000_000_000}, False),
        (Pressure(disk=True), {"requests": {"memory": "1Mi"}}, True),
        (Pressure(memory=True, disk=True), {"tolerations": TOLERATES}, True),
        (Pressure(pid=True), {}, True),
    ],
)
def test_who_is_let_in_under_pressure(pressure: Pressure, spec: dict[str, Any], refused: bool) -> None:
    found = refusal(pod("x", **spec), pressure)
    expected = ("Evicted", f"The node had condition: [{' '.join(pressure.conditions)}]. ")
    assert found == (expected if refused else None)


def limited(limit: str = "", size: str = "", pods: int = 1) -> Any:
    resources = {"limits": {"ephemeral-storage": limit}} if limit else {}
    containers = [{"name": name, "resources": resources} for name in ("app", "side")[:pods]]
    return typed_pod(containers, volumes=[{"name": "data", "emptyDir": {"sizeLimit": size} if size else {}}])


@pytest.mark.parametrize(
    ("pod", "app", "data", "words"),
    [
        (limited(), 900, 900, ""),
        (limited(size="10Mi"), 900, 10, ""),
        (limited(size="10Mi"), 0, 11, 'Usage of EmptyDir volume "data" exceeds the limit "10Mi". '),
        (limited("20Mi"), 15, 5, ""),
        (limited("20Mi"), 15, 6, "Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. "),
        (limited("20Mi", pods=2), 21, 1, 'Container app exceeded its local ephemeral storage limit "20Mi". '),
    ],
)
def test_who_uses_more_of_the_disk_than_its_limit_goes(pod: Any, app: int, data: int, words: str) -> None:
    usage = PodUsage([ContainerUsage("app", disk_bytes=app * MI), ContainerUsage("side")], {"data": data * MI})
    found = over_limit(pod, usage)
    assert has_disk_limit(pod) == (pod != limited())
    assert (found.message if found else "") == words
    assert found is None or (found.reason, found.grace_seconds) == ("Evicted", 1)
