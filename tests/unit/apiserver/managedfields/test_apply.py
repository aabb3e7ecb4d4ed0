"""Server-side apply: merging, pruning, conflicts, and what is refused."""

import copy
import json
import re
from typing import Any

import pytest

from apiserver.managedfields import apply, check_config, track
from apiserver.refusal import Unexplained
from apiserver.schema.load import schema
from apiserver.schema.schema import Schema
from podling.api.errors import BadRequest, Conflict

Object = dict[str, Any]

CONFIG_MAP, POD = schema("core.v1.ConfigMap"), schema("core.v1.Pod")
DEPLOYMENT, SERVICE = schema("apps.v1.Deployment"), schema("core.v1.Service")
T1, T2 = "2026-11-22T11:00:01Z", "2026-11-22T11:00:02Z"


def applied(
    live: Object | None,
    manager: str,
    body: Object,
    *,
    force: bool = False,
    of: Schema = CONFIG_MAP,
    version: str = "v1",
    subresource: str = "",
    now: str = T1,
) -> Object:
    before = copy.deepcopy((live, body))
    found = apply(
        live,
        body,
        manager=manager,
        force=force,
        api_version=version,
        subresource=subresource,
        schema=of,
        now=now,
        kind=of.name.rpartition(".")[2],
    )
    assert (live, body) == before
    return found


def config(labels: Object | None = None, **data: Any) -> Object:
    meta: Object = {"name": "c"} if labels is None else {"name": "c", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **({"data": data} if data else {})}


def pod(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def updated(live: Object, manager: str, **data: str) -> Object:
    new = {**copy.deepcopy(live), "data": data}
    track(new, live, manager=manager, api_version="v1", schema=CONFIG_MAP, now=T1)
    return new


def entries(found: Object) -> dict[tuple[str, str], Any]:
    listed = found["metadata"].get("managedFields", [])
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in listed}


def test_apply_creates_owns_leaves_only_and_lets_go_of_what_it_no_longer_mentions() -> None:
    first = applied(None, "a", config(k="v", l="w"))
    assert entries(first) == {("a", "Apply"): {"f:data": {"f:k": {}, "f:l": {}}}}
    second = applied(first, "a", config(k="new"))
    assert (second["data"], entries(second)) == ({"k": "new"}, {("a", "Apply"): {"f:data": {"f:k": {}}}})
    third = applied(second, "a", config())
    assert "data" not in third
    assert entries(third) == {}


def test_the_same_again_changes_nothing_and_an_equal_apply_of_another_has_no_time() -> None:
    first = applied(None, "a", config(k="v"))
    assert applied(first, "a", config(k="v"), now=T2) == first
    both = applied(first, "b", config(k="v"), now=T2)
    assert [entry.get("time") for entry in both["metadata"]["managedFields"]] == [None, T1]


def test_a_shared_field_stays_until_both_let_go() -> None:
    found = applied(None, "a", config(shared="s", mine="a"))
    found = applied(found, "b", config(shared="s", yours="b"))
    found = applied(found, "a", config(mine="a"))
    assert found["data"] == {"shared": "s", "mine": "a", "yours": "b"}
    found = applied(found, "b", config())
    assert found["data"] == {"mine": "a"}


def test_a_conflict_names_manager_and_field_and_force_takes_it() -> None:
    live = applied(None, "a-team", config(k="v", l="w"))
    with pytest.raises(Conflict) as caught:
        applied(live, "b-team", config(k="mine", l="mine", m="free"))
    error = caught.value
    assert error.message == 'Apply failed with 2 conflicts: conflicts with "a-team":\n- .data.k\n- .data.l'
    assert error.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "a-team"', "field": ".data.k"},
            {"reason": "FieldManagerConflict", "message": 'conflict with "a-team"', "field": ".data.l"},
        ]
    }
    forced = applied(live, "b-team", config(k="mine"), force=True)
    assert forced["data"] == {"k": "mine", "l": "w"}
    assert entries(forced) == {
        ("a-team", "Apply"): {"f:data": {"f:l": {}}},
        ("b-team", "Apply"): {"f:data": {"f:k": {}}},
    }


def test_a_conflict_with_an_updater_tells_its_version() -> None:
    live = updated(applied(None, "a", config(k="v")), "creator", k="v", l="w")
    with pytest.raises(Conflict, match=r'Apply failed with 1 conflict: conflict with "creator" using v1: \.data.l'):
        applied(live, "b", config(l="x"))


def test_what_an_updater_owns_is_not_pruned_and_an_applier_takes_back_only_its_own() -> None:
    live = updated(applied(None, "a", config(k="v", m="x")), "creator", k="v", l="w", m="x")
    found = applied(live, "a", config(m="x"))
    assert found["data"] == {"l": "w", "m": "x"}


def test_a_field_that_an_updater_owns_too_stays_when_the_applier_lets_go() -> None:
    live = config(k="v", l="w")
    track(live, None, manager="creator", api_version="v1", schema=CONFIG_MAP, now=T1)
    found = applied(applied(live, "applier", config(k="v", m="x")), "applier", config(m="x"))
    assert found["data"] == {"k": "v", "l": "w", "m": "x"}
    assert entries(found)["applier", "Apply"] == {"f:data": {"f:m": {}}}


def test_the_first_apply_to_an_untracked_object_gives_the_rest_to_before_first_apply() -> None:
    live = config(k="v", l="w")
    live["metadata"]["uid"] = "u"
    found = applied(live, "a", config(m="x"))
    assert entries(found) == {
        ("a", "Apply"): {"f:data": {"f:m": {}}},
        ("before-first-apply", "Update"): {"f:data": {".": {}, "f:k": {}, "f:l": {}}},
    }


def test_list_items_merge_by_key_and_are_pruned_by_key() -> None:
    mine = {"name": "main", "image": "shop:1", "ports": [{"containerPort": 80}]}
    live = applied(None, "app", pod(containers=[mine]), of=POD)
    live["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP"  # defaulted
    mesh = {"containers": [{"name": "proxy", "image": "m:1"}, {"name": "main", "env": [{"name": "P", "value": "l"}]}]}
    live = applied(live, "mesh", pod(**mesh), of=POD)
    assert [each["name"] for each in live["spec"]["containers"]] == ["proxy", "main"]
    changed = {"name": "main", "image": "shop:2", "ports": [{"containerPort": 8080}]}
    live = applied(live, "app", pod(containers=[changed]), of=POD)
    assert live["spec"]["containers"] == [
        {"name": "proxy", "image": "m:1"},
        {"name": "main", "image": "shop:2", "env": [{"name": "P", "value": "l"}], "ports": [{"containerPort": 8080}]},
    ]
    with pytest.raises(Conflict) as caught:
        applied(live, "mesh", pod(containers=[{"name": "main", "image": "evil:1"}]), of=POD)
    message = 'Apply failed with 1 conflict: conflict with "app": .spec.containers[name="main"].image'
    assert caught.value.message == message


def test_atomic_maps_and_lists_are_owned_as_a_whole() -> None:
    selector = {"matchLabels": {"app": "d"}}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"selector": selector}}
    live = applied(None, "a", body, of=DEPLOYMENT, version="apps/v1")
    assert entries(live) == {("a", "Apply"): {"f:spec": {"f:selector": {}}}}
    body = {**body, "spec": {"selector": {"matchLabels": {"b": "d"}}}}
    forced = applied(live, "b", body, of=DEPLOYMENT, version="apps/v1", force=True)
    assert forced["spec"]["selector"] == {"matchLabels": {"b": "d"}}


def test_sets_merge_and_lose_single_values() -> None:
    def held(*names: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": list(names)}}

    found = applied(applied(None, "a", held("x/a", "x/both")), "b", held("x/both", "x/b"))
    assert found["metadata"]["finalizers"] == ["x/a", "x/both", "x/b"]
    found = applied(found, "a", config())
    assert found["metadata"]["finalizers"] == ["x/both", "x/b"]


def test_empty_and_null_values_are_owned() -> None:
    body = pod(containers=[{"name": "c", "args": None, "resources": {}, "env": []}], securityContext={})
    assert entries(applied(None, "a", body, of=POD)) == {
        ("a", "Apply"): {
            "f:spec": {
                "f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:args": {}, "f:resources": {}}},
                "f:securityContext": {},
            }
        }
    }


def test_applying_at_status_owns_status_alone_under_its_own_entry() -> None:
    live = applied(None, "a", pod(nodeName="n"), of=POD)
    body = {**pod(nodeName="other"), "status": {"phase": "Running"}}
    found = applied(live, "a", body, of=POD, subresource="status")
    listed = {entry.get("subresource", ""): entry["fieldsV1"] for entry in found["metadata"]["managedFields"]}
    assert listed == {"": {"f:spec": {"f:nodeName": {}}}, "status": {"f:status": {"f:phase": {}}}}
    with pytest.raises(Conflict) as caught:
        applied(found, "b", {**pod(), "status": {"phase": "Failed"}}, of=POD, subresource="status")
    assert 'conflict with "a" with subresource "status": .status.phase' in caught.value.message


LAST = "kubectl.kubernetes.io/last-applied-configuration"


def test_kubectl_moves_from_client_side_to_server_side_without_conflicts() -> None:
    live: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v", "l": "w"}}
    live["metadata"]["annotations"] = {LAST: json.dumps(live)}
    track(live, None, manager="kubectl-client-side-apply", api_version="v1", schema=CONFIG_MAP, now=T1)
    with pytest.raises(Conflict, match=r'"kubectl-client-side-apply" using v1: \.data.k'):
        applied(live, "someone", config(k="changed"))
    found = applied(live, "kubectl", config(k="changed"))
    assert found["data"] == {"k": "changed", "l": "w"}
    assert json.loads(found["metadata"]["annotations"][LAST])["data"] == {"k": "changed"}
    elsewhere = updated(live, "editor", k="edited", l="w")
    with pytest.raises(Conflict, match=r'conflict with "editor" using v1: \.data.k'):
        applied(elsewhere, "kubectl", config(k="changed"))


@pytest.mark.parametrize(
    ("annotations", "text"),
    [
        (None, '"metadata":{"name":"c"}}\n'),
        ({}, '"metadata":{"annotations":{},"name":"c"}}\n'),
        ({LAST: "x"}, '"metadata":{"annotations":{},"name":"c"}}\n'),
        ({"a": "<b>"}, '"metadata":{"annotations":{"a":"\\u003cb\\u003e"},"name":"c"}}\n'),
    ],
)
def test_the_annotation_tells_what_kubectl_applied_as_go_writes_it(annotations: Any, text: str) -> None:
    live: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "annotations": {LAST: "{}"}}}
    body = config(k="v")
    body["metadata"]["annotations"] = annotations
    found = applied(live, "kubectl", body, force=True)
    assert found["metadata"]["annotations"][LAST] == '{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap",' + text


def test_a_name_that_is_no_text_is_not_told() -> None:
    body = config(k="v")
    body["metadata"]["name"] = 5
    with pytest.raises(Unexplained, match=re.escape("failed to create typed patch object (/; /v1, Kind=ConfigMap): ")):
        applied(None, "a", body)


def test_a_configuration_may_not_bring_managed_fields() -> None:
    for given in ([], [{"manager": "x"}]):
        body = config(k="v")
        body["metadata"]["managedFields"] = given
        with pytest.raises(BadRequest, match=r"metadata\.managedFields must be nil"):
            applied(None, "a", body)


@pytest.mark.parametrize(
    ("version", "kind", "shown"),
    [("", "", "/, Kind="), ("v1", "Secret", "/v1, Kind=Secret"), ("apps/v1", "Pod", "apps/v1, Kind=Pod")],
)
def test_a_configuration_of_another_kind_is_refused(version: str, kind: str, shown: str) -> None:
    with pytest.raises(BadRequest) as caught:
        applied(None, "a", {"apiVersion": version, "kind": kind, "metadata": {"name": "c"}})
    assert caught.value.message == f"invalid object type: {shown}"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"containers": [{"name": "c"}, {"name": "c"}]}, '.spec.containers: duplicate entries for key [name="c"]'),
        ({"containers": "c"}, ".spec.containers: expected list, got &{c}"),
        ({"containers": [None]}, ".spec.containers: element 0: associative list with keys may not have a null element"),
        ({"nodeName": 5}, ".spec.nodeName: expected string, got &value.valueUnstructured{Value:5}"),
        ({"priority": "high"}, ".spec.priority: expected numeric (int or float), got string"),
        ({"hostNetwork": "yes"}, ".spec.hostNetwork: expected boolean, got &{yes}"),
        ({"securityContext": [1]}, ".spec.securityContext: expected map, got &{[1]}"),
        ({"colour": "red"}, ".spec.colour: field not declared in schema"),
        (
            {"tolerations": [{"key": 5}]},
            ".spec.tolerations[0].key: expected string, got &value.valueUnstructured{Value:5}",
        ),
        (
            {"nodeName": 5, "subdomain": True},
            "errors:\n  .spec.nodeName: expected string, got &value.valueUnstructured{Value:5}"
            "\n  .spec.subdomain: expected string, got &value.valueUnstructured{Value:true}",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_the_schema_is_refused(spec: Object, message: str) -> None:
    with pytest.raises(Unexplained) as caught:
        applied(None, "a", pod(**spec), of=POD)
    assert caught.value.message == f"failed to create typed patch object (/p; /v1, Kind=Pod): {message}"


def test_a_missing_key_of_an_item_counts_as_its_default() -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    found = applied(None, "a", body, of=SERVICE)
    ports: Object = {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}
    assert entries(found) == {("a", "Apply"): {"f:spec": {"f:ports": ports}}}
    body["spec"] = {"ports": [{"port": 80, "name": "x"}, {"port": 80, "name": "y", "protocol": "TCP"}]}
    with pytest.raises(Unexplained, match=r'duplicate entries for key \[port=80,protocol="TCP"\]'):
        applied(None, "a", body, of=SERVICE)


def test_quantities_may_be_numbers() -> None:
    body = pod(containers=[{"name": "c", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}])
    assert applied(None, "a", body, of=POD)["spec"]["containers"][0]["resources"]["limits"]["cpu"] == 1


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicas": "x"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"copies": 1}, ".spec.copies: field not declared in schema"),
    ],
)
def test_what_is_applied_to_a_scale_is_checked_as_a_scale(spec: Object, words: str) -> None:
    config = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": spec}
    with pytest.raises(Unexplained, match=re.escape(f"(/d; autoscaling/v1, Kind=Scale): {words}")):
        check_config(config, "autoscaling/v1", "Scale", schema("autoscaling.v1.Scale"))
