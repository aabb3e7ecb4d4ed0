"""Strategic merge: lists by key, directives, order, and what goes wrong."""

import copy
from typing import Any

import msgspec
import pytest

from apiserver.patch.patch import STRATEGIC_MERGE_PATCH, apply_patch
from apiserver.refusal import Unexplained
from apiserver.schema.load import schema
from podling.api.errors import ApiError, BadRequest, Invalid

POD = schema("core.v1.Pod")
DEPLOYMENT = schema("apps.v1.Deployment")
BUDGET = schema("policy.v1.PodDisruptionBudget")

Object = dict[str, Any]


def patch(current: Object, body: Object, of: Any = POD) -> Object:
    before = copy.deepcopy(current)
    found = apply_patch(STRATEGIC_MERGE_PATCH, current, msgspec.json.encode(body), of).object
    assert current == before
    return found


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": spec}


def spec_of(current: Object, **spec: Any) -> Object:
    found: Object = patch(current, {"spec": spec})["spec"]
    return found


MAIN = {"name": "main", "image": "shop:1", "env": [{"name": "MODE", "value": "fast"}, {"name": "LOG", "value": "info"}]}
SIDE = {"name": "side", "image": "log:1"}


def test_lists_merge_by_key_and_the_patch_gives_the_order() -> None:
    changes = [{"name": "side", "image": "log:2"}, {"name": "main", "env": [{"name": "NEW", "value": "1"}]}]
    assert spec_of(pod(containers=[MAIN, SIDE]), containers=changes)["containers"] == [
        {"name": "side", "image": "log:2"},
        {**MAIN, "env": [{"name": "NEW", "value": "1"}, *MAIN["env"]]},
    ]


def test_a_new_item_stands_before_those_that_the_live_list_does_not_order_it_against() -> None:
    found = spec_of(pod(containers=[MAIN, SIDE]), containers=[{"name": "third", "image": "x:1"}])
    assert [each["name"] for each in found["containers"]] == ["third", "main", "side"]


def test_a_key_of_another_type_is_refused_in_words() -> None:
    with pytest.raises(ApiError, match="unrecognized type"):
        spec_of(pod(containers=[MAIN]), containers=[{"name": {"a": [1]}, "image": "x:1"}])


def test_items_are_deleted_by_key_and_unknown_keys_are_no_error() -> None:
    changes = [{"name": "side", "$patch": "delete"}, {"name": "unknown", "$patch": "delete"}]
    assert spec_of(pod(containers=[MAIN, SIDE]), containers=changes)["containers"] == [MAIN]


def test_a_list_is_replaced_on_demand() -> None:
    changes = [{"name": "only", "image": "o:1"}, {"$patch": "replace"}]
    assert spec_of(pod(containers=[MAIN, SIDE]), containers=changes)["containers"] == [{"name": "only", "image": "o:1"}]


def test_maps_are_replaced_and_emptied_on_demand() -> None:
    current = {"metadata": {"name": "p", "labels": {"a": "1"}, "annotations": {"b": "2"}}}
    body = {"metadata": {"labels": {"$patch": "replace", "c": "3"}, "annotations": {"$patch": "delete"}}}
    assert patch(current, body)["metadata"] == {"name": "p", "labels": {"c": "3"}, "annotations": {}}


def test_null_deletes_and_what_is_new_brings_no_nulls() -> None:
    found = spec_of(pod(containers=[MAIN], nodeName="n1"), nodeName=None, hostname=None, affinity={"podAffinity": None})
    assert found == {"containers": [MAIN], "affinity": {}}


def test_atomic_lists_are_replaced_and_maps_merge() -> None:
    current = pod(tolerations=[{"key": "a"}], nodeSelector={"disk": "ssd"})
    found = spec_of(current, tolerations=[{"key": "b"}], nodeSelector={"zone": "east"})
    assert found == {"tolerations": [{"key": "b"}], "nodeSelector": {"disk": "ssd", "zone": "east"}}


def test_scalars_merge_as_a_set_and_are_deleted_by_a_list_beside() -> None:
    current = {"metadata": {"finalizers": ["x.io/two", "x.io/one"]}}
    body = {
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["x.io/one", "x.io/zero"],
            "$setElementOrder/finalizers": ["x.io/three", "x.io/two"],
            "finalizers": ["x.io/three"],
        }
    }
    assert patch(current, body)["metadata"]["finalizers"] == ["x.io/three", "x.io/two"]
    assert patch(current, {"metadata": {"$deleteFromPrimitiveList/finalizers": "x.io/one"}}) == current


def test_set_element_order_orders_what_merges() -> None:
    first = {"name": "first", "image": "f:1"}
    order = [{"name": "first"}, {"name": "side"}, {"name": "main"}]
    body = {"spec": {"$setElementOrder/containers": order, "containers": [first]}}
    names = [each["name"] for each in patch(pod(containers=[MAIN, SIDE]), body)["spec"]["containers"]]
    assert names == ["first", "side", "main"]


def test_set_element_order_alone_reorders_and_leaves_strangers_where_the_live_list_has_them() -> None:
    current = pod(containers=[{"name": name} for name in "abcd"])
    body = {"spec": {"$setElementOrder/containers": [{"name": "d"}, {"name": "b"}]}}
    names = [each["name"] for each in patch(current, body)["spec"]["containers"]]
    assert names == ["a", "c", "d", "b"]


def test_retain_keys_clears_the_rest() -> None:
    current = pod(volumes=[{"name": "v", "configMap": {"name": "one"}}])
    body = {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]}}
    assert patch(current, body)["spec"]["volumes"] == [{"name": "v", "secret": {"secretName": "s"}}]


def test_a_strategy_of_replace_replaces_a_map() -> None:
    current = {"spec": {"selector": {"matchLabels": {"a": "b"}}}}
    found = patch(current, {"spec": {"selector": {"matchExpressions": []}}}, BUDGET)
    assert found == {"spec": {"selector": {"matchExpressions": []}}}


CONTAINERS = pod(containers=[MAIN, SIDE])


@pytest.mark.parametrize(
    ("current", "body", "kind", "message"),
    [
        (
            CONTAINERS,
            {"spec": {"containers": [{"image": "x:1"}]}},
            Unexplained,
            "map: map[image:x:1] does not contain declared merge key: name",
        ),
        (
            CONTAINERS,
            {"spec": {"containers": [{"$patch": "delete"}]}},
            Unexplained,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (
            CONTAINERS,
            {"spec": {"containers": [{"$patch": "merge", "name": "x"}]}},
            Unexplained,
            "merging lists cannot yet be specified in the patch",
        ),
        (
            CONTAINERS,
            {"spec": {"$patch": "explode"}},
            Unexplained,
            "unknown patch type: explode in map: map[$patch:explode]",
        ),
        (
            CONTAINERS,
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "main"}],
                    "containers": [{"name": "f", "image": "f:2"}],
                }
            },
            Unexplained,
            "The order in patch list:\n[map[image:f:2 name:f]]\n doesn't match $setElementOrder list:\n[map[name:",
        ),
        (
            CONTAINERS,
            {"spec": {"containers": ["main"]}},
            Unexplained,
            "list element types are not identical: [",
        ),
        (
            CONTAINERS,
            {"spec": {"$setElementOrder/nope": []}},
            Unexplained,
            'unable to find api field in struct PodSpec for the json field "nope"',
        ),
        (CONTAINERS, {"spec": {"$retainKeys": "x"}}, BadRequest, "invalid patch format of retainKeys"),
        (CONTAINERS, {"spec": {"$retainKeys": ["a"], "b": 1}}, BadRequest, "invalid patch format of retainKeys"),
        (
            CONTAINERS,
            {"spec": {"$setElementOrder": []}},
            BadRequest,
            "invalid patch format of setElementOrder list",
        ),
        (
            CONTAINERS,
            {"spec": {"containers": [["x"]]}},
            Unexplained,
            "list element types are not identical: [",
        ),
        (
            {"metadata": {"labels": {"a": "b"}}},
            {"metadata": {"labels": {"$setElementOrder/x": []}}},
            Unexplained,
            "merging an object in json but data type is not struct, instead is: map",
        ),
        (
            pod(containers=[]),
            {"spec": {"containers": [["x"]]}},
            Invalid,
            "the server rejected our request due to an error in our request",
        ),
        (
            CONTAINERS,
            {"spec": {"containers": {"x": "y"}}},
            Invalid,
            ' "" is invalid: patch: Invalid value: "map[spec:map[containers:map[x:y]]]": cannot restore slice from map',
        ),
        (
            CONTAINERS,
            {"metadata": {"labels": ["x"]}},
            Invalid,
            ' "" is invalid: patch: Invalid value: "map[metadata:map[labels:[x]]]": cannot restore map from slice',
        ),
        (
            CONTAINERS,
            {"spec": {"hostNetwork": "yes"}},
            Invalid,
            ' "" is invalid: patch: Invalid value: "map[spec:map[hostNetwork:yes]]": unrecognized type: bool',
        ),
    ],
)
def test_what_does_not_merge_is_refused_in_kubernetes_words(
    current: Object, body: Object, kind: type[ApiError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        patch(current, body)
    assert type(caught.value) is kind
    assert caught.value.message.startswith(message)


def test_a_body_that_is_no_object_is_a_bad_request_without_a_prefix() -> None:
    with pytest.raises(BadRequest) as caught:
        apply_patch(STRATEGIC_MERGE_PATCH, {}, b"[1, 2]", POD)
    assert caught.value.message == "json: cannot unmarshal array into Go value of type map[string]interface {}"


def test_ports_of_equal_keys_merge_into_the_first_one() -> None:
    service = schema("core.v1.Service")
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    current = {"spec": {"ports": ports}}
    found = patch(current, {"spec": {"ports": [{"port": 53, "targetPort": 1053}]}}, service)
    assert found["spec"]["ports"] == [{**ports[0], "targetPort": 1053}, ports[1]]
    assert patch(current, {"spec": {"ports": [{"port": 53, "$patch": "delete"}]}}, service)["spec"]["ports"] == []


def test_the_deployment_strategy_merges_unless_its_keys_are_retained() -> None:
    current = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    merged = patch(current, {"spec": {"strategy": {"type": "Recreate"}}}, DEPLOYMENT)
    assert merged["spec"]["strategy"] == {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}
    retained = patch(current, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, DEPLOYMENT)
    assert retained["spec"]["strategy"] == {"type": "Recreate"}


def test_a_refusal_shows_the_patch_without_the_directives_that_were_carried_out() -> None:
    body = {"spec": {"$setElementOrder/containers": [{"name": "main"}], "colour": "red"}}
    found = apply_patch(STRATEGIC_MERGE_PATCH, CONTAINERS, msgspec.json.encode(body), POD)
    assert found.refusal("why").message == ' "" is invalid: patch: Invalid value: "map[spec:map[colour:red]]": why'
