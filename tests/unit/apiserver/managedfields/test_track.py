"""Ownership after ordinary writes."""

import copy
from typing import Any

from apiserver.managedfields import keep_times, manager_name, track
from apiserver.schema.load import schema
from apiserver.schema.schema import Schema

Object = dict[str, Any]

CONFIG_MAP, POD, DEPLOYMENT = schema("core.v1.ConfigMap"), schema("core.v1.Pod"), schema("apps.v1.Deployment")
T1, T2, T3 = "2026-11-22T11:00:01Z", "2026-11-22T11:00:02Z", "2026-11-22T11:00:03Z"


def tracked(
    new: Object,
    old: Object | None,
    manager: str,
    *,
    of: Schema = CONFIG_MAP,
    now: str = T1,
    subresource: str = "",
    version: str = "v1",
) -> Object:
    new = copy.deepcopy(new)
    before = copy.deepcopy(old)
    track(new, old, manager=manager, api_version=version, subresource=subresource, schema=of, now=now)
    assert old == before
    return new


def entries(found: Object) -> list[tuple[str, Any]]:
    return [(entry["manager"], entry["fieldsV1"]) for entry in found["metadata"].get("managedFields", [])]


def config(*, uid: str = "u", **data: str) -> Object:
    meta = {"name": "c", "namespace": "default", "uid": uid, "resourceVersion": "1", "creationTimestamp": T1}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def changed(found: Object, **data: str) -> Object:
    return {**copy.deepcopy(found), "data": data}


def test_a_create_owns_what_it_brings_and_nothing_of_the_server() -> None:
    found = tracked(config(k="v", l="w"), None, "a")
    assert found["metadata"]["managedFields"] == [
        {
            "manager": "a",
            "operation": "Update",
            "apiVersion": "v1",
            "time": T1,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:k": {}, "f:l": {}}},
        }
    ]


def test_a_create_does_not_own_structs_and_null_lists_that_are_always_there() -> None:
    containers = [{"name": "c", "image": "c:1", "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}]}]
    pod = {
        "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"containers": containers},
        "status": {"phase": "x"},
    }
    ports: Object = {
        ".": {},
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}},
    }
    container = {".": {}, "f:image": {}, "f:name": {}, "f:resources": {}, "f:ports": ports}
    assert entries(tracked(pod, None, "a", of=POD)) == [
        (
            "a",
            {
                "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {"f:containers": {'k:{"name":"c"}': container}},
            },
        )
    ]


def test_changed_fields_move_and_removed_ones_leave_everybody() -> None:
    first = tracked(config(k="v", l="w", m="x"), None, "a")
    second = tracked(changed(first, k="other", l="w", n="new"), first, "b", now=T2)
    assert entries(second) == [
        ("a", {"f:data": {".": {}, "f:l": {}}}),
        ("b", {"f:data": {"f:k": {}, "f:n": {}}}),
    ]
    third = tracked(changed(second, k="other", l="again", n="new"), second, "c", now=T3)
    assert entries(third)[0] == ("a", {"f:data": {}})


def test_a_write_that_changes_nothing_keeps_entries_and_times() -> None:
    first = tracked(config(k="v"), None, "a")
    assert tracked(first, first, "b", now=T2) == first


def test_a_manager_that_writes_again_keeps_what_it_owned() -> None:
    first = tracked(config(k="v", l="w"), None, "a")
    second = tracked(changed(first, k="x", l="w"), first, "a", now=T2)
    assert entries(second) == entries(first)
    assert second["metadata"]["managedFields"][0]["time"] == T2


def test_an_entry_without_fields_goes() -> None:
    first = tracked({"metadata": {"name": "c", "labels": {"a": "1"}}, "kind": "ConfigMap"}, None, "a")
    second = copy.deepcopy(first)
    del second["metadata"]["labels"]
    assert entries(tracked(second, first, "b", now=T2)) == []


def test_what_an_address_resets_is_not_owned() -> None:
    pod = {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {}, "status": {"phase": "x"}}
    first = tracked(pod, None, "a", of=POD)
    second = copy.deepcopy(first)
    second["spec"]["nodeName"], second["status"]["podIP"] = "n1", "10.1.2.3"
    assert entries(tracked(second, first, "b", of=POD))[1:] == [("b", {"f:spec": {"f:nodeName": {}}})]
    at_status = tracked(second, first, "b", of=POD, subresource="status")
    assert entries(at_status)[1:] == [("b", {"f:status": {"f:podIP": {}}})]
    assert at_status["metadata"]["managedFields"][1]["subresource"] == "status"


def test_a_client_may_reset_the_list_and_nobody_is_tracked_until_an_apply() -> None:
    first = tracked(config(k="v"), None, "a")
    resets: list[list[Object]] = [[], [{}]]
    for reset in resets:
        second = copy.deepcopy(first)
        second["metadata"]["managedFields"] = reset
        emptied = tracked(second, first, "b")
        assert "managedFields" not in emptied["metadata"]
        assert entries(tracked(changed(emptied, k="x"), emptied, "c")) == []


def test_a_client_that_leaves_the_list_out_or_forges_it_badly_loses_nothing() -> None:
    first = tracked(config(k="v"), None, "a")
    entry = first["metadata"]["managedFields"][0]
    bad = [{**entry, "operation": "Frob"}], [{**entry, "fieldsType": "FieldsV9"}], [{**entry, "apiVersion": ""}]
    for given in (None, *bad, [{**entry, "fieldsV1": {"x:y": {}}}]):
        second = copy.deepcopy(first)
        second["metadata"]["managedFields"] = given
        assert tracked(second, first, "b") == first


def test_a_well_forged_list_counts_but_not_through_a_subresource() -> None:
    first = tracked(config(k="v"), None, "a")
    second = copy.deepcopy(first)
    second["metadata"]["managedFields"][0]["manager"] = "forger"
    assert [name for name, _ in entries(tracked(second, first, "b"))] == ["forger"]
    assert [name for name, _ in entries(tracked(second, first, "b", subresource="status"))] == ["a"]


def test_entries_of_versions_that_are_not_served_go_with_the_next_change() -> None:
    first = tracked(config(k="v"), None, "a")
    first["metadata"]["managedFields"][0]["apiVersion"] = "v0"
    assert [name for name, _ in entries(tracked(changed(first, k="x"), first, "b"))] == ["b"]


def test_the_oldest_of_more_than_ten_updaters_are_merged() -> None:
    found = tracked(config(), None, "m00")
    for number in range(1, 14):
        data = {f"k{each}": "v" for each in range(number)}
        found = tracked(changed(found, **data), found, f"m{number:02}", now=f"2026-11-22T11:01:{number:02}Z")
    names = [name for name, _ in entries(found)]
    assert names == ["ancient-changes", *(f"m{number:02}" for number in range(5, 14))]
    assert entries(found)[0][1] == {"f:data": {".": {}, **{f"f:k{each}": {} for each in range(4)}}}


def test_items_without_a_key_leave_the_list_as_it_was() -> None:
    first = tracked({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}}, None, "a", of=POD)
    second = copy.deepcopy(first)
    second["spec"]["hostAliases"] = [None]
    assert entries(tracked(second, first, "b", of=POD)) == entries(first)


def test_repeated_items_are_owned_together() -> None:
    spec: Object = {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]}
    first = tracked({"metadata": {"name": "p"}, "spec": spec}, None, "a", of=POD)
    env = first["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"c"}']["f:env"]
    assert env == {".": {}, 'k:{"name":"A"}': {}}


def test_only_times_that_differ_are_put_back() -> None:
    first = tracked(config(k="v"), None, "a")
    second = copy.deepcopy(first)
    second["metadata"]["managedFields"][0]["time"] = T3
    keep_times(second, first)
    assert second == first
    second["metadata"]["managedFields"][0]["time"] = T3
    second["data"]["k"] = "w"
    keep_times(second, first)
    assert second["metadata"]["managedFields"][0]["time"] == T3


def test_the_user_agent_names_the_manager() -> None:
    agents = {"kubectl-edit/v1.36.1 (linux/amd64)": "kubectl-edit", "my agent v2": "my agent v2", "/slash": "unknown"}
    assert {agent: manager_name("", agent) for agent in agents} == agents
    assert manager_name("given", "kubectl/1") == "given"
    assert manager_name("", "a" * 200) == "a" * 128
    assert manager_name("", "tab\there") == "tabhere"
