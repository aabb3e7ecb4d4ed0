from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scheduler.cycle import Cycle, by_node, decide
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption, preempt
from scheduler.snapshot import Snapshot
from tests.unit.scheduler.making import cluster, near, node, pod, selector, spread


def tried(wanted: PodInfo, snapshot: Snapshot) -> Preemption:
    cycle = Cycle(wanted, snapshot)
    placement = decide(cycle)
    assert not placement.node
    return preempt(cycle, by_node(placement))


def names(preemption: Preemption) -> list[str]:
    return [victim.uid for victim in preemption.victims]


def test_the_less_important_goes_and_no_more_than_needed() -> None:
    there = [pod("low", cpu="1", priority=1), pod("lower", cpu="1", priority=0)]
    found = tried(pod("high", cpu="1", priority=10), cluster([node("a")], a=there))
    assert (found.node, names(found)) == ("a", ["lower"])


def test_equals_are_left_alone() -> None:
    found = tried(pod("new", cpu="1", priority=1), cluster([node("a")], a=[pod("old", cpu="2", priority=1)]))
    assert found.message == "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    assert not found.node


def test_where_nothing_helps_it_is_said_why() -> None:
    tainted = node("b", taints=[{"key": "a", "effect": "NoSchedule"}])
    there = [pod("low", cpu="1"), pod("peer", cpu="1", priority=5)]
    found = tried(pod("new", cpu="1500m", priority=5), cluster([node("a"), tainted, node("c", cpu="1")], a=there))
    assert found.message == ("0/3 nodes are available: 1 Insufficient cpu, 2 Preemption is not helpful for scheduling.")


def test_a_pod_that_never_preempts_waits() -> None:
    wanted = pod("new", cpu="2", priority=5, preemptionPolicy="Never")
    found = tried(wanted, cluster([node("a")], a=[pod("low", cpu="1")]))
    assert (found.node, found.message) == ("", "not eligible due to preemptionPolicy=Never.")


def test_a_pod_whose_room_is_being_made_takes_no_more() -> None:
    target = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    leaving = pod("low", cpu="2", metadata=gone, status={"conditions": [target]})
    wanted = pod("new", cpu="2", priority=5, status={"nominatedNodeName": "a"})
    found = tried(wanted, cluster([node("a"), node("b")], a=[leaving], b=[pod("other", cpu="2")]))
    assert found.message == "not eligible due to a terminating pod on the nominated node."
    assert not found.node and found.keeps_nomination


def test_the_node_whose_victims_matter_least_is_chosen() -> None:
    def choice(**there: list[PodInfo]) -> str:
        return tried(pod("new", cpu="2", priority=100), cluster([node("a"), node("b")], **there)).node

    assert choice(a=[pod("1", cpu="2", priority=9)], b=[pod("2", cpu="2", priority=8)]) == "b"
    three = [pod(f"x{n}", cpu="500m", priority=8) for n in range(3)]
    assert choice(a=three, b=[pod("2", cpu="2", priority=8)]) == "b"
    older, newer = ({"startTime": f"2026-01-0{day}T00:00:00Z"} for day in (1, 2))
    assert choice(a=[pod("1", cpu="2", status=older)], b=[pod("2", cpu="2", status=newer)]) == "b"


def test_the_longest_running_of_equals_stay() -> None:
    there = [pod(str(day), cpu="1", status={"startTime": f"2026-01-0{day}T00:00:00Z"}) for day in (2, 1)]
    assert names(tried(pod("new", cpu="1", priority=5), cluster([node("a")], a=there))) == ["2"]


def test_a_hermit_makes_the_unwanted_go() -> None:
    hermit = pod("hermit", priority=5, affinity=near(far=True, labelSelector=selector(app="web")))
    there = [pod("w", labels={"app": "web"}), pod("other", labels={"app": "db"})]
    assert names(tried(hermit, cluster([node("a")], a=there))) == ["w"]


def test_a_port_is_taken_from_the_less_important() -> None:
    ports = [{"containerPort": 80, "hostPort": 80}]
    found = tried(pod("new", priority=5, ports=ports), cluster([node("a")], a=[pod("old", ports=ports), pod("other")]))
    assert names(found) == ["old"]


def test_room_that_a_more_important_pod_waits_for_is_not_given_away() -> None:
    snapshot = cluster([node("a")])
    snapshot.nominated["a"] = {"vip": pod("vip", cpu="2", priority=9)}
    assert "Insufficient cpu" in decide(Cycle(pod("new", cpu="1"), snapshot)).message
    assert decide(Cycle(pod("new", cpu="1", priority=10), snapshot)).node == "a"
    assert not snapshot.nodes["a"].pods


LABELS = st.sampled_from([{}, {"app": "web"}])
SOMETIMES_FAR = st.sampled_from([None, near(far=True, labelSelector=selector(app="web"))])
POD = st.fixed_dictionaries(
    {
        "cpu": st.sampled_from(["", "500m", "1", "2"]),
        "priority": st.integers(-1, 3),
        "labels": LABELS,
        "affinity": SOMETIMES_FAR,
        "ports": st.sampled_from([[], [{"containerPort": 80, "hostPort": 80}]]),
    },
    optional={"topologySpreadConstraints": st.just(spread("zone", labelSelector=selector(app="web")))},
)


@given(st.lists(st.tuples(st.sampled_from("abc"), POD), max_size=10), POD)
def test_victims_are_less_important_needed_and_enough(there: list[tuple[str, Any]], wanted: Any) -> None:
    def there_without(gone: set[str]) -> Snapshot:
        nodes = [node(name, labels={"zone": zone}) for name, zone in zip("abc", "xxy", strict=True)]
        placed: dict[str, list[PodInfo]] = {name: [] for name in "abc"}
        for number, (where, made) in enumerate(there):
            if f"p{number}" not in gone:
                placed[where].append(pod(f"p{number}", **made))
        return cluster(nodes, **placed)

    new, snapshot = pod("new", **wanted), there_without(set())
    cycle = Cycle(new, snapshot)
    placement = decide(cycle)
    if placement.node:
        return
    found = preempt(cycle, by_node(placement))
    assert decide(cycle).message == placement.message  # trying leaves no trace
    if not found.node:
        return
    assert all(victim.priority < new.priority for victim in found.victims)
    assert found.victims
    fits = {found.node: {victim.uid for victim in found.victims}}[found.node]
    after = Cycle(pod("new", **wanted), there_without(fits))
    assert after.judge(after.snapshot.nodes[found.node]) is None
    for spared in fits:
        less = there_without(fits - {spared})
        assert Cycle(new, less).judge(less.nodes[found.node]) is not None
