"""Ranges of pods' addresses."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from podling.podrange import POD_RANGES, Claim, RangeTaken, claim, host_routes, node_cidr, take

UNUSED = "10.133.0.0/16"


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def taken(stack: ExitStack, *arguments: object) -> str:
    found: Claim = take(*arguments)  # type: ignore[arg-type]
    stack.enter_context(found.socket)
    return found.pod_cidr


def test_the_range_avoids_clusters_routes_and_claims(held: ExitStack) -> None:
    first = taken(held, None, [], [])
    second = taken(held, None, [], [])
    third = taken(held, None, [POD_RANGES[-1]], [POD_RANGES[-2].replace("0.0/16", "3.0/24")])
    assert len({first, second, third} - {POD_RANGES[-1], POD_RANGES[-2]}) == 3
    with pytest.raises(RangeTaken, match="no /16"):
        take(None, ["10.0.0.0/8"], [])


def test_a_kept_range_stays_until_another_cluster_has_it(held: ExitStack) -> None:
    assert taken(held, UNUSED, [], [UNUSED]) == UNUSED
    assert taken(held, UNUSED, [], []) != UNUSED


def test_a_claim_lives_as_long_as_a_process_that_inherited_it() -> None:
    with claim(UNUSED).socket as ours, pytest.raises(RangeTaken, match="another cluster"):
        claim(UNUSED)
    with claim(UNUSED).socket as ours:
        heir = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[ours.fileno()])
    with pytest.raises(RangeTaken):
        claim(UNUSED)
    heir.communicate(b"\n")
    claim(UNUSED).socket.close()


def test_the_machines_routes_leave_out_the_default() -> None:
    assert "0.0.0.0/0" not in host_routes()


def test_each_node_has_its_own_range() -> None:
    assert node_cidr("10.244.0.0/16", 0) == "10.244.0.0/24"
    assert node_cidr("10.244.0.0/16", 17) == "10.244.17.0/24"
