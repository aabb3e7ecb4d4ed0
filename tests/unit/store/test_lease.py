import pytest

from podling.storage import Change, Event, KeyValue
from store.errors import LeaseExists, LeaseTooLong, NoLease
from store.lease import Leases
from store.mvcc import tombstone


@pytest.fixture
def leases() -> Leases:
    """Lease 7 of ten seconds, granted at 100."""
    leases = Leases()
    leases.grant(7, 10, now=100)
    return leases


def put(key: bytes, lease: int, before: KeyValue | None = None) -> Event:
    return Event(Change.PUT, KeyValue(key, b"", 2, 2, 1, lease), before)


def test_a_lease_is_due_when_its_time_is_over_and_not_before(leases: Leases) -> None:
    assert (leases.remaining(7, 103.5), leases.due(109.9), leases.due(110)) == (6, [], [7])


def test_a_lease_that_is_kept_alive_is_due_later(leases: Leases) -> None:
    assert leases.keep_alive(7, now=105) == 10
    assert (leases.due(110), leases.next_deadline(), leases.due(115)) == ([], 115, [7])


def test_keys_follow_their_newest_write(leases: Leases) -> None:
    leases.grant(8, 10, now=100)
    first = put(b"a", 7)
    moved = put(b"a", 8, first.kv)
    leases.follow([first, put(b"b", 7), moved])
    assert (leases.keys(7), leases.keys(8)) == ([b"b"], [b"a"])
    leases.unfollow([moved])
    assert (leases.keys(7), leases.keys(8)) == ([b"a", b"b"], [])
    leases.follow([Event(Change.DELETE, tombstone(b"a", 3), first.kv)])
    assert leases.keys(7) == [b"b"]


def test_a_lease_that_is_ending_takes_no_more_keys_until_the_disk_refuses(leases: Leases) -> None:
    leases.follow([put(b"a", 7)])
    assert leases.end(7) == [b"a"]
    assert 7 not in leases
    with pytest.raises(NoLease):
        leases.keep_alive(7, now=101)
    leases.revive(7, now=110)
    assert 7 in leases and leases.due(110) == [] and leases.due(111) == [7]


def test_a_lease_that_is_gone_is_not_found(leases: Leases) -> None:
    leases.end(7)
    leases.drop(7)
    for ask in (leases.seconds, leases.keys, leases.end):
        with pytest.raises(NoLease):
            ask(7)
    assert list(leases) == []


def test_a_lease_cannot_be_granted_twice_nor_for_ever(leases: Leases) -> None:
    with pytest.raises(LeaseExists):
        leases.reserve(7, 10)
    with pytest.raises(LeaseTooLong):
        leases.reserve(8, 9_000_000_001)


def test_an_id_is_held_while_its_grant_is_on_its_way(leases: Leases) -> None:
    assert leases.reserve(8, 0) == 1
    with pytest.raises(LeaseExists):
        leases.reserve(8, 10)
    assert 8 not in leases
    leases.release(8)
    leases.reserve(8, 10)
    leases.grant(8, 10, now=100)
    assert 8 in leases
