"""Kinds of resource.k8s.io. Words: golden groups-cluster, kubernetes/pkg/apis/resource/validation."""

from typing import Any

import pytest

from apiserver.kinds.resource.device_class import DEVICE_CLASS
from apiserver.kinds.resource.resource_claim import RESOURCE_CLAIM
from apiserver.kinds.resource.resource_claim_template import RESOURCE_CLAIM_TEMPLATE
from apiserver.kinds.resource.resource_slice import RESOURCE_SLICE

Object = dict[str, Any]
GPU = {"name": "g", "exactly": {"deviceClassName": "gpu"}}
UID = "0f0a4bd4-9c3c-4bb2-8d94-9a3c3f0f0a4b"


def told(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


def claim(*requests: Object, **more: Any) -> Object:
    made = {"metadata": {"name": "c"}, "spec": {"devices": {"requests": list(requests), **more}}}
    RESOURCE_CLAIM.default(made)
    return made


def judged(*requests: Object, **more: Any) -> list[str]:
    return [
        words.removeprefix("spec.devices.") for words in told(RESOURCE_CLAIM.validate_create(claim(*requests, **more)))
    ]


def test_a_request_is_for_one_device_unless_it_says_more() -> None:
    first = {"name": "f", "firstAvailable": [{"name": "a", "deviceClassName": "x", "tolerations": [{"key": "k"}]}]}
    exactly, alternative = claim({**GPU, "exactly": dict(GPU["exactly"])}, first)["spec"]["devices"]["requests"]
    assert exactly["exactly"] == {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}
    assert alternative["firstAvailable"][0]["tolerations"] == [{"key": "k", "operator": "Equal"}]


@pytest.mark.parametrize(
    ("requests", "more", "words"),
    [
        ([{"name": "g"}], {}, "requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"),
        (
            [{**GPU, "firstAvailable": [{"name": "a", "deviceClassName": "x"}]}],
            {},
            "requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple "
            "fields are set",
        ),
        ([GPU, GPU], {}, 'requests[1]: Duplicate value: "g"'),
        ([GPU] * 33, {}, "requests: Too many: 33: must have at most 32 items"),
        (
            [{"name": "g", "exactly": {"deviceClassName": "x", "allocationMode": "All", "count": 2}}],
            {},
            "requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
        ),
        (
            [{"name": "g", "exactly": {"deviceClassName": "x", "selectors": [{"cel": {"expression": "'text'"}}]}}],
            {},
            "requests[0].exactly.selectors[0].cel.expression: Invalid value: \"'text'\": must evaluate to bool or the "
            "unknown type, not string",
        ),
        (
            [{"name": "g", "exactly": {"deviceClassName": "x", "tolerations": [{"operator": "Exists", "value": "v"}]}}],
            {},
            'requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
        ),
        (
            [GPU],
            {"constraints": [{"requests": ["g", "h"], "matchAttribute": "model"}]},
            'constraints[0].requests[1]: Invalid value: "h": must be the name of a request in the claim or the name of '
            "a request and a subrequest separated by '/'",
        ),
        (
            [GPU],
            {"constraints": [{"matchAttribute": "model"}]},
            'constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name '
            "separated by a slash",
        ),
        ([GPU], {"config": [{}]}, "config[0].opaque: Required value"),
        (
            [GPU],
            {"config": [{"opaque": {"driver": "x.com", "parameters": [1]}}]},
            'config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
        ),
    ],
)
def test_what_a_claim_may_not_ask(requests: list[Object], more: Object, words: str) -> None:
    assert words in judged(*requests, **more)


def test_a_selector_sees_a_device() -> None:
    expression = (
        "device.driver == 'x' && device.attributes['x'].model == 'm' && device.allowMultipleAllocations && "
        "device.capacity['x'].memory.compareTo(quantity('1Gi')) >= 0"
    )
    found = {"metadata": {"name": "a"}, "spec": {"selectors": [{"cel": {"expression": expression}}]}}
    assert told(DEVICE_CLASS.validate(found)) == []


def test_a_class_may_stand_for_an_extended_resource() -> None:
    found = {"metadata": {"name": "a"}, "spec": {"extendedResourceName": "cpu"}}
    assert told(DEVICE_CLASS.validate(found)) == [
        'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name'
    ]


def test_a_template_never_changes() -> None:
    spec = {"metadata": {"labels": {"a": "b"}}, "spec": claim(GPU)["spec"]}
    old, new = ({"metadata": {"name": "t"}, "spec": {**spec, "metadata": labels}} for labels in ({}, spec["metadata"]))
    assert told(RESOURCE_CLAIM_TEMPLATE.validate_create(new)) == []
    [words] = told(RESOURCE_CLAIM_TEMPLATE.validate_update(new, old))
    assert words.startswith('spec: Invalid value: {"labels":{"a":"b"},"Spec":{"Devices":{"Requests":[{"Name":"g",')
    assert words.endswith(": field is immutable")


def allocated(**status: Any) -> Object:
    result = {"request": "g", "driver": "x.com", "pool": "p", "device": "d"}
    return {**claim(GPU), "status": {"allocation": {"devices": {"results": [result]}}, **status}}


def status_judged(new: Object, old: Object) -> list[str]:
    status = RESOURCE_CLAIM.subresource("status")
    assert status
    return [words.removeprefix("status.") for words in told(status.validate_update(new, old))]


def test_what_a_claim_got_stays_and_is_one_of_what_it_asked() -> None:
    assert status_judged(allocated(), claim(GPU)) == []
    other = allocated()
    other["status"]["allocation"]["devices"]["results"][0]["request"] = "h"
    assert any("must be the name of a request" in words for words in status_judged(other, claim(GPU)))
    [words] = status_judged(other, allocated())
    assert words.startswith("allocation: Invalid value: ") and words.endswith(": field is immutable")


def test_who_uses_a_claim_needs_it_allocated() -> None:
    pod = {"resource": "pods", "name": "p", "uid": UID}
    assert status_judged({**claim(GPU), "status": {"reservedFor": [pod]}}, claim(GPU)) == [
        "reservedFor: Forbidden: may not be specified when `allocated` is not set"
    ]
    assert status_judged(allocated(reservedFor=[pod, pod]), allocated()) == [
        f'reservedFor[1]: Duplicate value: "{UID}"'
    ]
    going = allocated(reservedFor=[pod])
    going["metadata"] = {"name": "c", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert status_judged(going, allocated()) == [
        "reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are "
        "set"
    ]
    state = next(column for column in RESOURCE_CLAIM.columns if column.name == "State")
    assert [state.cell(each) for each in (claim(GPU), allocated(), allocated(reservedFor=[pod]), going)] == [
        "pending",
        "allocated",
        "allocated,reserved",
        "deleted,allocated,reserved",
    ]


def test_what_is_told_of_a_device_goes_with_it() -> None:
    device = {"driver": "x.com", "pool": "p", "device": "d"}
    old = allocated(devices=[device])
    assert status_judged(old, allocated()) == []
    stranger = allocated(devices=[{**device, "device": "e"}])
    assert status_judged(stranger, allocated()) == [
        'devices[0]: Invalid value: "x.com/p/e": must be an allocated device in the claim'
    ]
    status = RESOURCE_CLAIM.subresource("status")
    assert status and status.prepare_update
    new = {**claim(GPU), "status": {"devices": [device]}}
    status.prepare_update(new, old)
    assert new["status"] == {}


def offered(*devices: Object, **spec: Any) -> Object:
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    made = {
        "metadata": {"name": "s"},
        "spec": {"driver": "x.com", "pool": pool, "nodeName": "n", "devices": list(devices), **spec},
    }
    RESOURCE_SLICE.default(made)
    return made


def test_a_slice_of_a_node() -> None:
    device = {
        "name": "d0",
        "attributes": {"model": {"string": "m"}, "x.com/version": {"version": "1.2.3-rc.1+b"}},
        "capacity": {"memory": {"value": "1Gi"}},
        "taints": [{"key": "k", "effect": "NoSchedule"}],
    }
    found = offered(device)
    assert told(RESOURCE_SLICE.validate(found)) == []
    assert found["spec"]["devices"][0]["taints"][0]["timeAdded"]
    assert RESOURCE_SLICE.selectable(found) == {"spec.nodeName": "n", "spec.driver": "x.com"}


@pytest.mark.parametrize(
    ("device", "spec", "words"),
    [
        (
            {"attributes": {"1st": {"int": 1}}},
            {},
            'devices[0].attributes: Invalid value: "1st": a valid C identifier must start with alphabetic character',
        ),
        (
            {"attributes": {"a": {"int": 1, "bool": True}}},
            {},
            "devices[0].attributes[a]: Invalid value: {",
        ),
        (
            {"attributes": {"a": {"version": "1.2"}}},
            {},
            'devices[0].attributes[a].version: Invalid value: "1.2": must be a string compatible with semver.org spec '
            "2.0.0",
        ),
        (
            {"nodeName": "n"},
            {},
            "devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if",
        ),
        (
            {"capacity": {"m": {"value": "1", "requestPolicy": {}}}},
            {},
            "devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true",
        ),
        (
            {
                "allowMultipleAllocations": True,
                "capacity": {
                    "m": {"value": "10", "requestPolicy": {"default": "3", "validRange": {"min": "2", "step": "2"}}}
                },
            },
            {},
            'devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: "3": value is not a multiple of a '
            "given step (2) from (2)",
        ),
        (
            {"bindingFailureConditions": ["a"]},
            {},
            "devices[0].bindingConditions: Invalid value: null: bindingConditions are required to use "
            "bindingFailureConditions",
        ),
        ({}, {"nodeName": None}, ": Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`"),
        (
            {},
            {"allNodes": True},
            ': Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`',
        ),
        (
            {},
            {"pool": {"name": "P!", "generation": -1}},
            "pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
        ),
    ],
)
def test_what_a_slice_may_not_offer(device: Object, spec: Object, words: str) -> None:
    found = told(RESOURCE_SLICE.validate(offered({"name": "d", **device}, **spec)))
    assert any(each.removeprefix("spec").removeprefix(".").startswith(words) for each in found), found


def test_drivers_are_better_lower_case() -> None:
    assert list(RESOURCE_SLICE.warn(offered(driver="X.com"))) == [
        'spec.driver: driver names should be lowercase; "X.com" contains uppercase characters'
    ]
