"""The road of every write."""

from typing import Any

import pytest

from apiserver.objects.deletion import DeleteOptions, Step
from apiserver.objects.registry import Write, by_server
from apiserver.refusal import Unexplained
from podling.api import errors
from podling.api.errors import GroupResource
from tests.unit.apiserver.conftest import EVENT, LEASE, NAMESPACE, NOTE, POD, World

Object = dict[str, Any]


def change_text(text: str, version: str = "") -> Any:
    async def change(current: Object) -> Object:
        current["text"] = text
        if version:
            current["metadata"]["resourceVersion"] = version
        return current

    return change


async def test_a_created_object_is_stamped_and_read_back_at_once(world: World) -> None:
    made = await world.note("a")
    assert made["metadata"]["resourceVersion"] == "2"
    assert made["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert made["metadata"]["generation"] == 1
    assert world.feed.get(GroupResource("", "notes"), "default", "a") == made
    assert (await world.registry.get(NOTE, "default", "a")).object == made


async def test_the_stored_value_is_readable_and_has_no_version(world: World) -> None:
    await world.note("a")
    stored = (await world.storage.get(b"/registry/notes/default/a")).kvs[0].value
    assert stored.startswith(b'{"kind":"Note","apiVersion":"v1"')
    assert b"resourceVersion" not in stored


async def test_a_name_that_is_taken_is_refused(world: World) -> None:
    await world.note("a")
    with pytest.raises(errors.AlreadyExists, match='notes "a" already exists'):
        await world.note("a")


async def test_a_name_whose_object_is_going_says_so(world: World) -> None:
    await world.note("a", finalizers=["example.com/hold"])
    await world.registry.delete(NOTE, "default", "a", DeleteOptions())
    with pytest.raises(errors.AlreadyExists, match="object is being deleted: "):
        await world.note("a")


async def test_a_new_object_may_not_name_a_version(world: World) -> None:
    with pytest.raises(Unexplained, match="resourceVersion should not be set"):
        await world.note("a", resourceVersion="5")


async def test_a_made_name_starts_as_asked_and_fits_a_label(world: World) -> None:
    body = {"metadata": {"generateName": "x" * 70}}
    made = (await world.registry.create(NOTE, "default", body)).object
    assert made["metadata"]["name"].startswith("x" * 58)
    assert len(made["metadata"]["name"]) == 63


async def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    with pytest.raises(errors.Invalid) as refused:
        await world.note("Bad_Name", "bad")
    assert [cause["field"] for cause in (refused.value.details or {})["causes"]] == ["metadata.name", "text"]


async def test_admission_sees_a_write_before_and_after_its_rules(world: World) -> None:
    await world.note("a")
    assert world.admission.seen == [("admit", "CREATE"), ("validate", "CREATE")]


async def test_an_update_that_loses_a_race_is_made_again_on_what_won(world: World) -> None:
    await world.note("a")
    key = b"/registry/notes/default/a"
    value = (await world.storage.get(key)).kvs[0].value.replace(b'"hi"', b'"won","more":1')
    world.storage.before_write.append((key, value))
    found = await world.registry.update(NOTE, "default", "a", change_text("mine"), by_server())
    assert (found.object["text"], found.object["more"]) == ("mine", 1)


async def test_an_update_that_names_a_version_does_not_win_a_race(world: World) -> None:
    made = await world.note("a")
    key = b"/registry/notes/default/a"
    world.storage.before_write.append((key, (await world.storage.get(key)).kvs[0].value))
    change = change_text("mine", made["metadata"]["resourceVersion"])
    with pytest.raises(errors.Conflict, match="the object has been modified"):
        await world.registry.update(NOTE, "default", "a", change, by_server())


async def test_an_update_that_changes_nothing_writes_nothing(world: World) -> None:
    made = await world.note("a")
    before = world.storage.writes
    found = await world.registry.update(NOTE, "default", "a", change_text("hi"), by_server())
    assert found.object == made
    assert world.storage.writes == before


async def test_an_unconditional_update_is_refused_where_the_kind_wants_a_version(world: World) -> None:
    await world.registry.create(LEASE, "default", {"metadata": {"name": "a"}})

    async def replace(_: Object) -> Object:
        return {"metadata": {"name": "a", "namespace": "default"}}

    with pytest.raises(errors.Invalid, match="Invalid value: 0: must be specified for an update"):
        await world.registry.update(LEASE, "default", "a", replace, by_server())


async def test_a_version_of_zero_says_nothing(world: World) -> None:
    await world.note("a")
    found = await world.registry.update(NOTE, "default", "a", change_text("mine", "0"), by_server())
    assert found.object["text"] == "mine"


async def test_an_owner_that_admission_names_twice_is_named_once(world: World) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1"}
    write = by_server()
    made = await world.registry.create(
        NOTE, "default", {"metadata": {"name": "a", "ownerReferences": [owner, owner]}}, write
    )
    assert made.object["metadata"]["ownerReferences"] == [owner]
    assert ["after mutating admission happens" in words for words in write.warnings] == [True]


async def test_a_version_that_is_no_number_is_a_500(world: World) -> None:
    await world.note("a")
    with pytest.raises(Unexplained, match="invalid syntax"):
        await world.registry.update(NOTE, "default", "a", change_text("x", "soon"), by_server())


async def test_generation_counts_the_changes_of_spec_alone(world: World) -> None:
    await world.note("a")

    async def spec(current: Object) -> Object:
        return {**current, "spec": {"size": 2}}

    found = await world.registry.update(NOTE, "default", "a", spec, by_server())
    assert found.metadata["generation"] == 2
    found = await world.registry.update(NOTE, "default", "a", change_text("other"), by_server())
    assert found.metadata["generation"] == 2


async def test_a_dry_run_answers_and_writes_nothing(world: World) -> None:
    write = Write(by_server().user, dry_run=True)
    made = await world.registry.create(NOTE, "default", {"metadata": {"name": "a"}}, write)
    assert made.metadata["uid"]
    assert "resourceVersion" not in made.metadata
    assert world.storage.writes == 0
    await world.note("a")
    with pytest.raises(errors.AlreadyExists):
        await world.registry.create(NOTE, "default", {"metadata": {"name": "a"}}, write)
    changed = await world.registry.update(NOTE, "default", "a", change_text("dry"), write)
    assert changed.object["text"] == "dry"
    assert (await world.registry.get(NOTE, "default", "a")).object["text"] == "hi"


async def test_a_deleted_object_is_gone(world: World) -> None:
    await world.note("a")
    found = await world.registry.delete(NOTE, "default", "a", DeleteOptions())
    assert found.step is Step.GO
    with pytest.raises(errors.NotFound, match='notes "a" not found'):
        await world.registry.get(NOTE, "default", "a")


async def test_a_finalizer_holds_an_object_until_an_update_takes_it_away(world: World) -> None:
    await world.note("a", finalizers=["example.com/hold"])
    found = await world.registry.delete(NOTE, "default", "a", DeleteOptions())
    assert found.cached.metadata["deletionTimestamp"] == "2026-01-01T00:00:00Z"

    async def let_go(current: Object) -> Object:
        del current["metadata"]["finalizers"]
        return current

    await world.registry.update(NOTE, "default", "a", let_go, by_server())
    with pytest.raises(errors.NotFound):
        await world.registry.get(NOTE, "default", "a")


async def test_a_pod_on_a_node_waits_for_its_grace_and_goes_at_zero(world: World) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}}
    await world.registry.create(POD, "default", pod)
    found = await world.registry.delete(POD, "default", "p", DeleteOptions())
    assert found.cached.metadata["deletionGracePeriodSeconds"] == 30
    assert (await world.registry.delete(POD, "default", "p", DeleteOptions())).step is Step.WAIT
    found = await world.registry.delete(POD, "default", "p", DeleteOptions(grace_seconds=0))
    assert found.step is Step.MARK_AND_GO
    with pytest.raises(errors.NotFound):
        await world.registry.get(POD, "default", "p")


async def test_a_delete_of_another_uid_is_a_conflict(world: World) -> None:
    await world.note("a")
    with pytest.raises(errors.Conflict, match="the UID in the precondition"):
        await world.registry.delete(NOTE, "default", "a", DeleteOptions(uid="other"))


async def test_a_namespace_goes_in_two_phases(world: World) -> None:
    body = {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}}
    await world.registry.create(NAMESPACE, "", body)
    found = await world.registry.delete(NAMESPACE, "", "n", DeleteOptions())
    assert found.cached.object["status"] == {"phase": "Terminating"}
    assert (await world.registry.delete(NAMESPACE, "", "n", DeleteOptions())).step is Step.WAIT

    async def finalize(current: Object) -> Object:
        return {**current, "spec": {}}

    await world.registry.update(NAMESPACE, "", "n", finalize, by_server())
    with pytest.raises(errors.NotFound):
        await world.registry.get(NAMESPACE, "", "n")


async def test_events_are_written_with_a_lease_that_many_share(world: World) -> None:
    for name in "abc":
        await world.registry.create(EVENT, "default", {"metadata": {"name": name}})
    assert world.storage.leases == [3660]
    assert (await world.storage.get(b"/registry/events/default/c")).kvs[0].lease == 1


async def test_a_store_that_is_away_is_a_503(world: World) -> None:
    world.storage.away = True
    with pytest.raises(errors.ServiceUnavailable):
        await world.note("a")
    with pytest.raises(errors.ServiceUnavailable):
        await world.registry.get(NOTE, "default", "a")
    world.storage.away = False
