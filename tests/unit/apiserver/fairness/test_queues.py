"""Fair queuing, played on a clock of its own: seats are kept to, nobody is forgotten, shares are even."""

import heapq
import itertools
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiserver.fairness.queues import GUESS_SECONDS, QueueSet, Request
from apiserver.fairness.shuffle import deal, flow_hash


@dataclass
class Job:
    arrives: float
    flow: int
    seats: int
    seconds: float
    started: float = -1.0
    refused: bool = False


@dataclass
class Played:
    """A server of `limit` seats over these queues."""

    queues: QueueSet
    hands: dict[int, tuple[int, ...]]
    jobs: list[Job] = field(default_factory=list)

    def play(self, jobs: list[Job]) -> None:
        for job in jobs:  # hypothesis hands out the same objects again
            job.started, job.refused = -1.0, False
        count = itertools.count()
        events: list[tuple[float, int, Job, Request | None]] = []
        for job in jobs:
            heapq.heappush(events, (job.arrives, next(count), job, None))
        of: dict[Request, Job] = {}
        done: set[Request] = set()

        def begin(request: Request, now: float) -> None:
            job = of[request]
            job.started = now
            heapq.heappush(events, (now + job.seconds, next(count), job, request))

        while events:
            now, _, job, ended = heapq.heappop(events)
            if ended is not None:
                done.add(ended)
                for request in self.queues.finish(ended, now):
                    begin(request, now)
            else:
                arrived = self.queues.arrive(self.hands[job.flow], job.seats, now)
                job.refused = arrived is None
                if arrived is not None:
                    of[arrived] = job
                    if arrived.started is not None:
                        begin(arrived, now)
            self.check()
        assert len(done) == sum(not job.refused for job in jobs)
        assert self.queues.wanted_seats == 0

    def check(self) -> None:
        queues = self.queues
        running = [queue.running_seats for queue in queues.queues]
        assert sum(running) == queues.running_seats
        assert queues.running_seats <= queues.limit or sum(each > 0 for each in running) == 1
        waiting = [queue for queue in queues.queues if queue.waiting]
        if waiting:  # nobody waits while there is room for the first in line
            ends = [(each.due + GUESS_SECONDS * each.waiting[0].seats, each.waiting[0].seats) for each in waiting]
            assert any(end == min(ends)[0] and queues.running_seats + seats > queues.limit for end, seats in ends)


def played(limit: int, flows: int, *, queues: int = 16, hand: int = 4, length: int = 50) -> Played:
    hands = {flow: deal(flow_hash("schema", str(flow)), queues, hand) for flow in range(flows)}
    return Played(QueueSet(queues, length, limit), hands)


JOBS = st.lists(
    st.builds(
        Job,
        arrives=st.floats(0, 1),
        flow=st.integers(0, 5),
        seats=st.integers(1, 4),
        seconds=st.floats(0.0001, 0.5),
    ),
    max_size=80,
)


@settings(max_examples=40)
@given(JOBS, st.integers(1, 8), st.integers(1, 10))
def test_whatever_comes_seats_are_kept_to_and_everybody_taken_is_served(jobs: list[Job], limit: int, length: int):
    played(limit, 6, length=length).play(jobs)


@settings(max_examples=40)
@given(JOBS, st.integers(1, 4))
def test_a_queue_is_first_come_first_served(jobs: list[Job], limit: int):
    world = played(limit, 6, queues=6, hand=1)
    world.play(jobs)
    for flow in range(6):
        mine = sorted((job for job in jobs if job.flow == flow and not job.refused), key=lambda job: job.arrives)
        starts = [job.started for job in mine]
        if len({job.arrives for job in mine}) == len(mine):
            assert starts == sorted(starts)


@pytest.mark.parametrize("greedy", [2, 10, 40])
def test_who_asks_for_more_gets_no_more(greedy: int):
    """Two flows that always have something waiting are served alike, however many one of them has at once."""
    world = Played(QueueSet(2, 1000, 4), {0: (0,), 1: (1,)})
    dice = random.Random(7)
    jobs = [Job(at * 0.001, 0, 1, dice.uniform(0.01, 0.03)) for at in range(20 * greedy)]
    jobs += [Job(at * 0.001, 1, 1, dice.uniform(0.01, 0.03)) for at in range(200)]
    world.play(jobs)
    end = min(max(job.started for job in jobs if job.flow == flow) for flow in (0, 1))
    had = [sum(job.seconds for job in jobs if job.flow == flow and job.started < end) for flow in (0, 1)]
    assert abs(had[0] - had[1]) <= 4 * 0.03 + 0.03 * 2


def test_wide_requests_count_for_what_they_are():
    """One flow's requests take four seats each, the other's one: both get as many seat-seconds."""
    world = Played(QueueSet(2, 1000, 8), {0: (0,), 1: (1,)})
    jobs = [Job(0.0, 0, 4, 0.01) for _ in range(100)] + [Job(0.0, 1, 1, 0.01) for _ in range(400)]
    world.play(jobs)
    end = min(max(job.started for job in jobs if job.flow == flow) for flow in (0, 1))
    had = [sum(job.seconds * job.seats for job in jobs if job.flow == flow and job.started < end) for flow in (0, 1)]
    assert abs(had[0] - had[1]) <= 8 * 0.01 * 2


@settings(max_examples=25)
@given(st.integers(0, 2**63), st.floats(0.001, 0.02))
def test_a_quiet_client_beside_a_greedy_one_waits_for_a_service_or_two(seed: int, seconds: float):
    """Two hundred requests at once, of which none is refused; a quiet client's come one at a time."""
    world = played(4, 0, queues=64, hand=6)
    dice = random.Random(seed)
    greedy, quiet = (deal(dice.getrandbits(63), 64, 6) for _ in range(2))
    if set(quiet) <= set(greedy):
        return
    world.hands = {0: greedy, 1: quiet}
    flood = [Job(0.0, 0, 1, seconds) for _ in range(200)]
    drops = [Job(0.001 + at * seconds * 5, 1, 1, seconds) for at in range(10)]
    world.play(flood + drops)
    assert not any(job.refused for job in flood + drops)
    assert max(job.started - job.arrives for job in drops) <= 2 * seconds + 1e-9


def test_seats_that_wide_requests_leave_empty_are_owed_to_nobody():
    """Six seats each on a level of eight: two stay empty, and still a quiet client is next when it comes."""
    world = Played(QueueSet(2, 10_000, 8), {0: (0,), 1: (1,)})
    flood = [Job(0.0, 0, 6, 0.01) for _ in range(1000)]
    drops = [Job(1.0 + at, 1, 3, 0.01) for at in range(8)]
    world.play(flood + drops)
    assert max(job.started - job.arrives for job in drops) <= 0.02 + 1e-9


def test_a_full_queue_refuses_and_a_level_without_queues_refuses_at_once():
    queues = QueueSet(1, 2, 1)
    taken = [queues.arrive((0,), 1, 0.0) for _ in range(4)]
    assert [each is not None for each in taken] == [True, True, True, False]
    none = QueueSet(0, 0, 2)
    assert [none.arrive((0,), 1, 0.0) is not None for _ in range(3)] == [True, True, False]


def test_who_gives_up_makes_room_and_more_seats_start_more():
    queues = QueueSet(2, 5, 1)
    first, second, third = (queues.arrive((at,), 1, 0.0) for at in (0, 0, 1))
    assert first and second and third
    assert queues.abandon(second, 0.1) == []
    queues.limit = 2
    assert queues.start(0.2) == [third]
    assert queues.finish(first, 0.3) == []
    assert queues.wanted_seats == 1


@given(st.integers(0, 2**64 - 1), st.integers(1, 200), st.data())
def test_a_hand_is_always_the_same_and_of_different_queues(flow: int, queues: int, data: st.DataObject):
    hand = data.draw(st.integers(1, min(queues, 8)))
    dealt = deal(flow, queues, hand)
    assert dealt == deal(flow, queues, hand)
    assert len(set(dealt)) == hand
    assert all(0 <= each < queues for each in dealt)


def test_hands_of_different_flows_seldom_cover_each_other():
    hands = [set(deal(flow_hash("s", str(flow)), 128, 6)) for flow in range(300)]
    assert not any(a == b for a, b in itertools.combinations(hands, 2))
    assert len(set().union(*hands)) == 128
