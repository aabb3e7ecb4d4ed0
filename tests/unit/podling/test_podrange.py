"""Ranges of pods' addresses."""

import pytest

from podling.podrange import RangeTaken, claim, free_pod_cidr, host_routes, is_claimed, node_cidr

UNUSED = "10.133.0.0/16"


def test_the_pod_range_avoids_clusters_and_routes() -> None:
    first = free_pod_cidr([], [])
    second = free_pod_cidr([first], ["192.168.0.0/16"])
    third = free_pod_cidr([first], [second.replace("0.0/16", "3.0/24")])
    assert len({first, second, third}) == 3
    with pytest.raises(RangeTaken, match="no /16"):
        free_pod_cidr(["10.0.0.0/8"], [])


def test_each_node_has_its_own_range() -> None:
    assert node_cidr("10.244.0.0/16", 0) == "10.244.0.0/24"
    assert node_cidr("10.244.0.0/16", 17) == "10.244.17.0/24"


def test_a_claimed_range_is_free_again_when_its_holder_lets_go() -> None:
    with claim(UNUSED):
        assert is_claimed(UNUSED)
        with pytest.raises(RangeTaken, match="another cluster"):
            claim(UNUSED)
    assert not is_claimed(UNUSED)


def test_the_machines_routes_leave_out_the_default() -> None:
    assert "0.0.0.0/0" not in host_routes()
