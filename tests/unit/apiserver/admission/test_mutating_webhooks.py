"""Webhooks that change what is written, seen through the door of a real server."""

import asyncio
from typing import Any

import pytest

from tests.unit.apiserver.admission.conftest import MAPS as MAP_RULE
from tests.unit.apiserver.admission.conftest import Webhooks, patch

Object = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
LABEL = {"op": "add", "path": "/metadata/labels", "value": {"touched": "yes"}}


def named(name: str, **more: Any) -> Object:
    return {"metadata": {"name": name, **more}}


async def test_a_patch_becomes_part_of_what_is_written_and_is_shaped_and_defaulted_again(webhooks: Webhooks) -> None:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["services"]}
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    webhooks.answers["/a"] = patch(
        LABEL,
        {"op": "add", "path": "/spec/ports/-", "value": {"port": 81, "name": "b", "unheard": "of"}},
    )
    spec = {"ports": [{"port": 80, "name": "a"}]}
    code, made = await webhooks.call("POST", "/api/v1/namespaces/default/services", {**named("s"), "spec": spec})
    assert (code, made["metadata"]["labels"]) == (201, {"touched": "yes"})
    assert made["spec"]["ports"][1] == {"port": 81, "name": "b", "protocol": "TCP", "targetPort": 81}
    assert (await webhooks.call("GET", "/api/v1/namespaces/default/services/s"))[1] == made


async def test_a_webhook_is_told_who_writes_what_and_how(webhooks: Webhooks) -> None:
    await webhooks.configure("mutating", "m", {"name": "a.example.com"})
    await webhooks.call("POST", f"{MAPS}?fieldManager=me&dryRun=All", {**named("a"), "data": {"k": "v"}})
    (request,) = webhooks.requests
    shown = request.pop("object")
    assert (shown["kind"], shown["apiVersion"], shown["data"]) == ("ConfigMap", "v1", {"k": "v"})
    assert "uid" not in shown["metadata"]
    assert request.pop("uid")
    assert "authentication.kubernetes.io/credential-id" in request["userInfo"].pop("extra")
    assert request == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "a",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
        "oldObject": None,
        "dryRun": True,
        "options": {
            "kind": "CreateOptions",
            "apiVersion": "meta.k8s.io/v1",
            "dryRun": ["All"],
            "fieldManager": "me",
        },
    }


async def test_a_generated_name_is_not_there_yet(webhooks: Webhooks) -> None:
    await webhooks.configure("mutating", "m", {"name": "a.example.com"})
    await webhooks.configure("validating", "v", {"name": "b.example.com"})
    _, made = await webhooks.call("POST", MAPS, {"metadata": {"generateName": "made-"}})
    before, after = webhooks.requests
    assert "name" not in before
    assert "name" not in before["object"]["metadata"]
    assert after["name"] == after["object"]["metadata"]["name"] == made["metadata"]["name"]
    assert after["object"]["metadata"]["uid"] == made["metadata"]["uid"]


async def test_updates_and_deletes_show_the_old_object_and_their_options(webhooks: Webhooks) -> None:
    await webhooks.call("POST", MAPS, named("a"))
    await webhooks.configure("mutating", "m", {"name": "a.example.com"})
    merge = {"Content-Type": "application/merge-patch+json"}
    await webhooks.running.call("PATCH", f"{MAPS}/a", data='{"data":{"k":"v"}}', headers=merge)
    await webhooks.call("DELETE", f"{MAPS}/a", {"gracePeriodSeconds": 0, "propagationPolicy": "Orphan"})
    update, delete = webhooks.requests
    assert (update["operation"], update["object"]["data"], "data" in update["oldObject"]) == (
        "UPDATE",
        {"k": "v"},
        False,
    )
    assert update["options"]["kind"] == "UpdateOptions"
    assert (delete["operation"], delete["object"], delete["oldObject"]["data"]) == ("DELETE", None, {"k": "v"})
    assert delete["options"] == {
        "kind": "DeleteOptions",
        "apiVersion": "meta.k8s.io/v1",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Orphan",
    }


async def test_webhooks_run_in_the_order_of_names_and_see_what_the_ones_before_did(webhooks: Webhooks) -> None:
    await webhooks.configure("mutating", "z", {"name": "last.example.com"})
    await webhooks.configure("mutating", "a", {"name": "first.example.com"}, {"name": "second.example.com"})
    webhooks.answers["/first"] = patch({"op": "add", "path": "/data", "value": {"k": "1"}})
    webhooks.answers["/second"] = patch({"op": "replace", "path": "/data/k", "value": "2"})
    await webhooks.call("POST", MAPS, named("a"))
    assert [path for path, _ in webhooks.seen] == ["/first", "/second", "/last"]
    assert [request["object"].get("data") for request in webhooks.requests] == [None, {"k": "1"}, {"k": "2"}]


async def test_a_webhook_that_wishes_so_is_asked_again_once_when_a_later_one_changed_something(
    webhooks: Webhooks,
) -> None:
    again = {"reinvocationPolicy": "IfNeeded"}
    await webhooks.configure(
        "mutating",
        "m",
        {"name": "keen.example.com", **again},
        {"name": "shy.example.com"},
        {"name": "editor.example.com", **again},
    )
    webhooks.answers["/editor"] = patch({"op": "add", "path": "/data", "value": {"k": "v"}})
    await webhooks.call("POST", MAPS, named("a"))
    assert [path for path, _ in webhooks.seen] == ["/keen", "/shy", "/editor", "/keen"]
    webhooks.seen.clear()
    webhooks.answers["/editor"] = lambda request: {"allowed": True}
    await webhooks.call("POST", MAPS, named("b"))
    assert [path for path, _ in webhooks.seen] == ["/keen", "/shy", "/editor"]


async def test_selectors_and_rules_decide_who_is_asked(webhooks: Webhooks) -> None:
    only = {"matchLabels": {"watched": "yes"}}
    await webhooks.configure(
        "mutating",
        "m",
        {"name": "object.example.com", "objectSelector": only},
        {"name": "space.example.com", "namespaceSelector": only},
        {"name": "deletes.example.com", "rules": [{**MAP_RULE, "operations": ["DELETE"]}]},
    )
    await webhooks.call("POST", MAPS, named("a"))
    assert webhooks.seen == []
    await webhooks.call("POST", MAPS, named("b", labels={"watched": "yes"}))
    await webhooks.call("POST", "/api/v1/namespaces", named("n", labels={"watched": "yes"}))
    await webhooks.call("POST", "/api/v1/namespaces/n/configmaps", named("c"))
    await webhooks.call("DELETE", f"{MAPS}/a")
    assert [path for path, _ in webhooks.seen] == ["/object", "/space", "/deletes"]


async def test_a_scale_is_shown_and_changed_as_a_scale(webhooks: Webhooks) -> None:
    rule = {"operations": ["UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["*/scale"]}
    path = "/api/v1/namespaces/default/replicationcontrollers"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await webhooks.call("POST", path, {**named("r"), "spec": {"selector": {"a": "b"}, "template": template}})
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    webhooks.answers["/a"] = patch({"op": "replace", "path": "/spec/replicas", "value": 7})
    merge = {"Content-Type": "application/merge-patch+json"}
    code, scale = await webhooks.running.call("PATCH", f"{path}/r/scale", data='{"spec":{"replicas":3}}', headers=merge)
    assert (code, scale["spec"]["replicas"]) == (200, 7)
    (request,) = webhooks.requests
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert (request["object"]["spec"], request["oldObject"]["spec"]) == ({"replicas": 3}, {"replicas": 1})
    assert (request["subResource"], request["resource"]["resource"]) == ("scale", "replicationcontrollers")


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        (
            [{"op": "remove", "path": "/metadata/ghost"}],
            "error in remove for path: '/metadata/ghost': Unable to remove nonexistent key: ghost: missing value",
        ),
        (
            [{"op": "add", "path": "/a/b", "value": 1}],
            'add operation does not apply: doc is missing path: "/a/b": missing value',
        ),
        ([{"op": "test", "path": "/kind", "value": "Pod"}], "testing value /kind failed: test failed"),
        (
            [{"op": "add", "path": "/data", "value": "none"}],
            "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string",
        ),
    ],
)
async def test_a_patch_that_cannot_be_applied_is_an_internal_error(
    webhooks: Webhooks, operations: list[Object], words: str
) -> None:
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "failurePolicy": "Ignore"})
    webhooks.answers["/a"] = patch(*operations)
    code, refused = await webhooks.call("POST", MAPS, named("a"))
    assert (code, refused["message"]) == (500, f"Internal error occurred: {words}")


async def test_a_deletion_cannot_be_patched(webhooks: Webhooks) -> None:
    await webhooks.call("POST", MAPS, named("a"))
    await webhooks.configure("mutating", "m", {"name": "a.example.com"})
    webhooks.answers["/a"] = patch(LABEL)
    code, refused = await webhooks.call("DELETE", f"{MAPS}/a")
    words = (
        'admission webhook "a.example.com" attempted to modify the object, which is not supported for this operation'
    )
    assert (code, refused["message"]) == (500, f"Internal error occurred: {words}")


async def test_the_options_of_a_connection_are_changed_as_an_object_is(webhooks: Webhooks) -> None:
    pod = {**named("p"), "spec": {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "s"}}
    await webhooks.call("POST", "/api/v1/namespaces/default/serviceaccounts", named("s"))
    assert (await webhooks.call("POST", "/api/v1/namespaces/default/pods", pod))[0] == 201
    rule = {"operations": ["CONNECT"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/exec"]}
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    path = "/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=true"
    for change, code, words in (
        ({"op": "add", "path": "/container", "value": "other"}, 400, "container other is not valid for pod p"),
        ({"op": "remove", "path": "/command"}, 400, "you must specify a command"),
        ({"op": "add", "path": "/tty", "value": "yes"}, 500, "Expected `bool`, got `str`"),
    ):
        webhooks.answers["/a"] = patch(change)
        found, refused = await webhooks.call("POST", path)
        assert (found, words in refused["message"]) == (code, True), refused


async def test_an_object_stays_in_its_namespace(webhooks: Webhooks) -> None:
    await webhooks.configure("mutating", "m", {"name": "a.example.com"})
    webhooks.answers["/a"] = patch({"op": "replace", "path": "/metadata/namespace", "value": "kube-system"})
    code, refused = await webhooks.call("POST", MAPS, named("a"))
    words = "the namespace of the provided object does not match the namespace sent on the request"
    assert (code, refused["message"]) == (400, words)


async def test_a_webhook_for_another_version_sees_and_changes_the_object_in_its_own(webhooks: Webhooks) -> None:
    rule = {
        "operations": ["CREATE"],
        "apiGroups": ["autoscaling"],
        "apiVersions": ["v1"],
        "resources": ["horizontalpodautoscalers"],
    }
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    webhooks.answers["/a"] = patch({"op": "add", "path": "/spec/targetCPUUtilizationPercentage", "value": 44})
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "maxReplicas": 3}
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    code, made = await webhooks.call("POST", path, {**named("h"), "spec": spec})
    assert code == 201, made["message"]
    assert made["apiVersion"] == "autoscaling/v2"
    (metric,) = made["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 44}
    (request,) = webhooks.requests
    assert (request["kind"]["version"], request["requestKind"]["version"]) == ("v1", "v2")
    assert (request["resource"]["version"], request["requestResource"]["version"]) == ("v1", "v2")
    assert request["object"]["apiVersion"] == "autoscaling/v1"
    exact = {"name": "b.example.com", "rules": [rule], "matchPolicy": "Exact"}
    await webhooks.configure("mutating", "n", exact)
    await webhooks.call("POST", path, {**named("i"), "spec": spec})
    assert [seen for seen, _ in webhooks.seen] == ["/a", "/a"]


async def test_a_custom_object_is_pruned_and_defaulted_again_after_a_patch(webhooks: Webhooks) -> None:
    properties = {"size": {"type": "integer", "default": 5}, "text": {"type": "string"}}
    schema = {
        "openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    }
    definition = {
        **named("notes.example.com"),
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "notes", "kind": "Note"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    path = "/apis/example.com/v1/namespaces/default/notes"
    await webhooks.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    for _ in range(3000):
        if (await webhooks.call("GET", path))[0] == 200:
            break
        await asyncio.sleep(0.02)
    rule = {"operations": ["*"], "apiGroups": ["example.com"], "apiVersions": ["*"], "resources": ["*"]}
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    webhooks.answers["/a"] = patch(
        {"op": "remove", "path": "/spec/size"},
        {"op": "add", "path": "/spec/text", "value": "hi"},
        {"op": "add", "path": "/spec/unheard", "value": "of"},
    )
    body = {"apiVersion": "example.com/v1", "kind": "Note", **named("n"), "spec": {"size": 3}}
    code, made = await webhooks.call("POST", path, body)
    assert code == 201, made["message"]
    assert made["spec"] == {"size": 5, "text": "hi"}
    assert webhooks.requests[0]["object"]["spec"] == {"size": 3}
