"""Kubernetes' protobuf bodies."""

import json
from typing import Any

import pytest

from apiserver.protobuf.decode import MAGIC, places, to_json
from apiserver.protobuf.messages import message_name, messages
from podling.api.errors import BadRequest


def varint(number: int) -> bytes:
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def part(number: int, value: Any) -> bytes:
    """One field: an integer, text, bytes, or a message given as bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + part(1, part(1, api_version) + part(2, kind)) + part(2, raw) + part(3, "") + part(4, "")


def decoded(api_version: str, kind: str, raw: bytes) -> Any:
    return json.loads(to_json(body(api_version, kind, raw), "v1", "Pod"))


def named(name: str) -> bytes:
    """metadata as Go writes it: every field that is no pointer, empty or not."""
    return part(1, part(1, name) + part(2, "") + part(3, "") + part(7, 0) + part(8, b""))


def test_empty_fields_count_as_absent() -> None:
    assert decoded("v1", "Namespace", named("x") + part(2, b"") + part(3, part(1, ""))) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "x"},
        "spec": {},
        "status": {},
    }


def test_maps_lists_and_bytes() -> None:
    data = part(2, part(1, "k") + part(2, b"\x00\xff"))
    assert decoded("v1", "Secret", named("s") + data + part(3, "Opaque") + part(5, 0)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"k": "AP8="},
        "type": "Opaque",
        "immutable": False,
    }


def test_zero_counts_where_go_has_a_pointer() -> None:
    spec = part(1, 0) + part(5, 0)  # replicas, minReadySeconds
    assert decoded("apps/v1", "Deployment", named("d") + part(2, spec))["spec"] == {"replicas": 0}


def test_every_field_is_one_of_the_schema_or_a_struct_that_go_embeds() -> None:
    embedded = {f"{name}.{place.field.name}" for name in messages() for place in places(name).values() if not place.key}
    selectors = ("ConfigMapEnvSource", "ConfigMapKeySelector", "ConfigMapProjection", "ConfigMapVolumeSource")
    selectors += ("SecretEnvSource", "SecretKeySelector", "SecretProjection")
    assert embedded == {
        "admissionregistration.v1.NamedRuleWithOperations.ruleWithOperations",
        "admissionregistration.v1.RuleWithOperations.rule",
        "core.v1.EphemeralContainer.ephemeralContainerCommon",
        "core.v1.PersistentVolumeSpec.persistentVolumeSource",
        "core.v1.Probe.handler",
        "core.v1.Volume.volumeSource",
        "networking.v1.IngressRule.ingressRuleValue",
        "resource.v1.DeviceAllocationConfiguration.deviceConfiguration",
        "resource.v1.DeviceClaimConfiguration.deviceConfiguration",
        "resource.v1.DeviceClassConfiguration.deviceConfiguration",
        *(f"core.v1.{name}.localObjectReference" for name in selectors),
    }
    keys = {key for name in messages() for key in (place.key for place in places(name).values())}
    assert {"uid", "apiGroup", "webhooks", "expression"} <= keys


EITHER = ("Array", "Bool", "StringArray")


def test_schemas_are_either_of_two_things_and_their_extensions_have_other_names() -> None:
    def props(*parts: bytes) -> bytes:
        return b"".join(parts)

    text = part(5, "string")
    schema = props(
        part(3, "#/x"),
        part(5, "object"),
        part(8, part(1, b"false")),
        part(24, part(1, text)),
        part(29, part(1, "k") + part(2, part(13, 0) + part(24, part(2, text) + part(2, text)))),
        part(30, part(1, 0)),
        part(31, part(1, "p") + part(2, part(30, part(1, 0) + part(2, text)))),
        part(32, part(1, "d") + part(2, part(2, "x") + part(2, "y"))),
        part(38, 1),
        part(44, part(1, "self.a > 0")),
    )
    version = part(1, "v1") + part(2, 1) + part(4, part(1, schema)) + part(5, part(1, b""))
    raw = named("boats.x.io") + part(2, part(1, "x.io") + part(7, version))
    found = decoded("apiextensions.k8s.io/v1", "CustomResourceDefinition", raw)["spec"]["versions"][0]
    assert found == {
        "name": "v1",
        "served": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {
                "$ref": "#/x",
                "type": "object",
                "default": False,
                "items": {"type": "string"},
                "properties": {"k": {"maxLength": 0, "items": [{"type": "string"}, {"type": "string"}]}},
                "additionalProperties": False,
                "patternProperties": {"p": {"additionalProperties": {"type": "string"}}},
                "dependencies": {"d": ["x", "y"]},
                "x-kubernetes-preserve-unknown-fields": True,
                "x-kubernetes-validations": [{"rule": "self.a > 0"}],
            }
        },
    }


def test_devices_have_values_of_several_types() -> None:
    no, size = part(1, "no") + part(2, part(3, 0)), part(1, "size") + part(2, part(1, part(1, "1Gi")))
    device = part(1, "gpu") + part(2, no) + part(3, size)
    raw = named("s") + part(2, part(1, "d.io") + part(2, part(1, "p") + part(2, 1) + part(3, 1)) + part(6, device))
    assert decoded("resource.k8s.io/v1", "ResourceSlice", raw)["spec"] == {
        "driver": "d.io",
        "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "gpu", "attributes": {"no": {"bool": False}}, "capacity": {"size": {"value": "1Gi"}}}],
    }


def test_embedded_structs_lie_in_their_holder_and_quantities_are_text() -> None:
    resources = part(1, part(1, "cpu") + part(2, part(1, "500m")))
    probe = part(1, part(2, part(1, "/healthz") + part(2, part(1, 1) + part(3, "web")))) + part(2, 5)
    container = part(1, "app") + part(8, resources) + part(10, probe)
    volume = part(1, "v") + part(2, part(2, b""))
    spec = part(1, volume) + part(2, container)
    assert decoded("v1", "Pod", named("p") + part(2, spec))["spec"] == {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [
            {
                "name": "app",
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": "web"}, "initialDelaySeconds": 5},
            }
        ],
    }


def test_times_and_negative_numbers() -> None:
    renewed = part(1, 1_000_000_000) + part(2, 123_456_000)
    spec = part(1, "n1") + part(4, renewed) + part(5, -1)
    assert decoded("coordination.k8s.io/v1", "Lease", named("l") + part(2, spec))["spec"] == {
        "holderIdentity": "n1",
        "renewTime": "2001-09-09T01:46:40.123456Z",
        "leaseTransitions": -1,
    }


def test_the_options_of_a_deletion_are_the_same_in_every_group() -> None:
    raw = part(1, 0) + part(2, part(1, "u")) + part(4, "Foreground")
    assert decoded("policy/v1", "DeleteOptions", raw) == {
        "apiVersion": "policy/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": "u"},
        "propagationPolicy": "Foreground",
    }


def test_unknown_fields_are_dropped() -> None:
    assert decoded("v1", "ConfigMap", named("c") + part(99, "x") + part(98, 7))["metadata"] == {"name": "c"}


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        MAGIC,
        MAGIC + b"\xff",
        MAGIC + part(1, b"\xff\xff"),
        body("v1", "Pod", b"\x0a\x7f"),
        body("v1", "Pod", part(1, 5)),
        body("v1", "Pod", b"\x0b"),
        body("v1", "ConfigMap", part(1, part(1, b"\xff\xfe"))),
        body("v1", "ConfigMap", b"\x08" + b"\xff" * 20),
    ],
)
def test_what_is_no_such_message_is_a_bad_request(wrong: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^the object provided is unrecognized \(must be of type Pod\): "):
        to_json(wrong, "v1", "Pod")


def test_a_body_that_does_not_say_what_it_is_is_what_the_path_serves() -> None:
    assert decoded("", "", b"") == {"apiVersion": "v1", "kind": "Pod"}


def test_of_a_kind_that_is_none_there_is_but_its_name() -> None:
    assert decoded("v1", "Gadget", b"") == {"apiVersion": "v1", "kind": "Gadget"}


def test_every_message_refers_to_known_ones() -> None:
    special = {"meta.v1.Time", "meta.v1.MicroTime", "meta.v1.Duration", "meta.v1.FieldsV1", "resource.Quantity"}
    special |= {"runtime.RawExtension", "intstr.IntOrString", "string", "bytes", "bool", "int", "double"}
    special |= {f"apiextensions.v1.JSON{rest}" for rest in ("", *(f"SchemaPropsOr{one}" for one in EITHER))}
    for name, fields in messages().items():
        for field in fields.values():
            assert field.type in special or field.type in messages(), (name, field)
    assert message_name("rbac.authorization.k8s.io/v1", "Role") in messages()
