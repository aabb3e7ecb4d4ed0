"""Seats by shares, and what is lent; the words of 429 come later, the more are refused."""

from hypothesis import given
from hypothesis import strategies as st

from apiserver.fairness import seats
from apiserver.fairness.retry import RetryAfter
from apiserver.fairness.seats import Demand, Limits
from apiserver.kinds.flowcontrol.presets import LEVELS


def test_seats_go_by_shares_as_in_kubernetes():
    found = seats.limits(600, [each["spec"] for each in LEVELS])
    named = {each["metadata"]["name"]: limit for each, limit in zip(LEVELS, found, strict=True)}
    assert named["catch-all"] == Limits(13, 13, 600)
    assert named["exempt"] == Limits(0, 0, 600)
    assert named["workload-low"] == Limits(245, 25, 600)
    assert named["global-default"] == Limits(49, 25, 600)


def test_a_borrowing_limit_bounds_what_a_level_may_have():
    limited = {"nominalConcurrencyShares": 10, "borrowingLimitPercent": 50, "lendablePercent": 40}
    assert seats.limits(100, [{"type": "Limited", "limited": limited}]) == [Limits(100, 60, 150)]


def test_who_wants_gets_what_the_others_lend():
    idle, busy = Limits(50, 10, 100), Limits(50, 10, 100)
    assert seats.divide(100, [Demand(idle, 0), Demand(busy, 200)])[1] >= 85
    assert seats.divide(100, [Demand(idle, 200), Demand(busy, 200)]) == [50, 50]


def test_nobody_shares_before_the_first_request():
    assert seats.divide(100, []) == []


LIMITS = st.builds(
    lambda nominal, lent, more: Limits(nominal, nominal - min(nominal, lent), nominal + more),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 500),
)


@given(st.lists(st.builds(Demand, LIMITS, st.floats(0, 1000)), min_size=1, max_size=10))
def test_nobody_has_less_than_is_his_or_more_than_he_may(demands: list[Demand]):
    total = sum(each.limits.nominal for each in demands)
    found = seats.divide(total, demands)
    for demand, seat in zip(demands, found, strict=True):
        assert seat >= min(demand.limits.nominal, max(demand.limits.least, demand.wanted)) - 1
        assert seat <= max(demand.limits.most, demand.limits.least, 1) + 1
    assert sum(found) <= total + len(demands)


def test_lists_take_seats_by_their_objects_and_never_a_whole_level():
    assert [seats.of_list(count, 0) for count in (0, 1, 100, 101, 5000)] == [1, 1, 1, 2, 50]
    assert seats.of_list(5000, 200) == 2
    assert [seats.at_most(nominal) for nominal in (1, 13, 49, 600)] == [1, 2, 8, 10]


def test_a_client_is_told_to_wait_longer_while_many_are_refused():
    retry = RetryAfter()
    for second in range(100, 110):
        for _ in range(40):
            told = retry.refuse(float(second))
    assert told == 4
    assert retry.refuse(1000.0) == 5
    assert [retry.refuse(1000.0 + at * 100) for at in range(1, 8)] == [4, 3, 2, 1, 1, 1, 1]
