import pytest

from podling.storage import Change, Compacted, FutureRevision
from store.mvcc import Keys


def keys_of(*writes: tuple[bytes, bytes | None]) -> Keys:
    """Each write a revision of its own, from 2 on; None deletes."""
    keys = Keys()
    for key, value in writes:
        write(keys, key, value)
    return keys


def write(keys: Keys, key: bytes, value: bytes | None) -> None:
    if value is None:
        keys.delete(key)
    else:
        keys.put(key, value, 0)
    keys.seal()
    keys.durable = keys.revision


def values(keys: Keys, revision: int) -> dict[bytes, bytes]:
    return {kv.key: kv.value for kv in keys.span(b"\0", b"\0", revision)}


def test_each_revision_shows_its_own_state() -> None:
    keys = keys_of((b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"b", None), (b"b", b"4"))
    assert [values(keys, revision) for revision in range(1, 7)] == [
        {}, {b"a": b"1"}, {b"a": b"1", b"b": b"2"}, {b"a": b"3", b"b": b"2"}, {b"a": b"3"}, {b"a": b"3", b"b": b"4"},
    ]  # fmt: skip


def test_a_key_that_comes_back_counts_from_one_again() -> None:
    keys = keys_of((b"a", b"1"), (b"a", b"2"), (b"a", None), (b"a", b"3"))
    state = keys.newest(b"a")
    assert state is not None and (state.version, state.create_revision, state.mod_revision) == (1, 5, 5)


def test_a_transaction_that_changes_nothing_takes_no_revision() -> None:
    keys = keys_of((b"a", b"1"))
    keys.delete(b"b")
    assert (keys.writing, keys.seal(), keys.revision) == (2, [], 2)


def test_a_transaction_sees_its_own_writes_and_readers_do_not() -> None:
    keys = keys_of((b"a", b"1"))
    keys.put(b"a", b"2", 0)
    assert values(keys, keys.writing) == {b"a": b"2"}
    assert values(keys, keys.durable) == {b"a": b"1"}


def test_an_abandoned_transaction_leaves_nothing() -> None:
    keys = keys_of((b"a", b"1"))
    keys.put(b"a", b"2", 0)
    keys.put(b"new", b"", 0)
    keys.abandon()
    assert (values(keys, keys.revision), keys.seal()) == ({b"a": b"1"}, [])


def test_what_the_disk_refused_is_taken_back() -> None:
    keys = keys_of((b"a", b"1"))
    keys.put(b"a", b"2", 0)
    events = keys.seal()
    keys.put(b"b", b"3", 0)
    keys.delete(b"a")
    events += keys.seal()
    keys.rewind(events)
    assert (values(keys, 9), keys.revision) == ({b"a": b"1"}, 2)
    write(keys, b"b", b"4")
    assert values(keys, 3) == {b"a": b"1", b"b": b"4"}


def test_the_later_of_two_writes_in_one_transaction_counts() -> None:
    keys = keys_of((b"a", b"1"))
    keys.put(b"a", b"2", 0)
    keys.delete(b"a")
    put, gone = keys.seal()
    assert values(keys, 3) == {} and values(keys, 2) == {b"a": b"1"}
    assert put.previous == gone.previous == keys.at(b"a", 2)


@pytest.mark.parametrize(
    ("compacted", "kept"),
    [
        (1, [2, 3, 4, 5, 6]),
        (2, [2, 3, 4, 5, 6]),
        (3, [3, 4, 5, 6]),
        (4, [3, 4, 5, 6]),
        (5, [4, 5, 6]),
        (6, [4, 6]),
    ],
)
def test_compaction_keeps_what_readable_revisions_show(compacted: int, kept: list[int]) -> None:
    writes = [(b"a", b"1"), (b"a", b"2"), (b"b", b"3"), (b"a", None), (b"a", b"5")]
    keys, whole = keys_of(*writes), keys_of(*writes)
    keys.compact(compacted)
    assert sorted(kv.mod_revision for kv in keys.states(99)) == kept
    for revision in range(compacted, 7):
        assert values(keys, revision) == values(whole, revision)


def test_a_key_deleted_before_the_compaction_is_gone_altogether() -> None:
    keys = keys_of((b"a", b"1"), (b"a", None), (b"b", b"2"))
    assert {kv.mod_revision for kv in keys.compact(4)} == {2, 3}
    assert [kv.key for kv in keys.states(99)] == [b"b"]


def test_a_compaction_under_unwritten_changes_can_still_be_taken_back() -> None:
    keys = keys_of((b"a", b"1"), (b"a", None))
    write(keys, b"b", b"2")
    keys.put(b"a", b"3", 0)
    events = keys.seal()
    keys.compact(4)
    keys.rewind(events)
    assert values(keys, 4) == {b"b": b"2"} and keys.newest(b"a") is None


def test_compacted_and_future_revisions_are_refused() -> None:
    keys = keys_of((b"a", b"1"), (b"a", b"2"))
    keys.compact(3)
    with pytest.raises(Compacted) as refused:
        keys.check_readable(2, keys.durable)
    assert refused.value.compact_revision == 3
    with pytest.raises(FutureRevision):
        keys.check_readable(4, keys.durable)
    with pytest.raises(Compacted):
        keys.compact(3)
    with pytest.raises(FutureRevision):
        keys.compact(4)


def test_loading_the_rows_again_gives_the_same_keys_and_events() -> None:
    keys = Keys()
    events = []
    for key, value in [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"b", None), (b"b", b"4")]:
        if value is None:
            keys.delete(key)
        else:
            keys.put(key, value, 0)
        events += keys.seal()
    again = Keys()
    loaded = list(again.load((event.kv for event in events), keys.revision, -1))
    assert loaded == events
    assert [event.change for event in loaded].count(Change.DELETE) == 1
    assert values(again, 6) == values(keys, 6)
    again.put(b"c", b"", 0)
    assert again.seal()[0].kv.mod_revision == 7
