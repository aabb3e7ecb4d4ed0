"""Bodies as Kubernetes reads them. Words: golden api-http, core-pod-validation, core-config."""

import json
from typing import Any

import pytest

from apiserver.schema.decode import IGNORE, STRICT, WARN, decode
from apiserver.schema.load import schema
from podling.api.errors import BadRequest

POD, CONFIG_MAP = schema("core.v1.Pod"), schema("core.v1.ConfigMap")
JSON, YAML = "application/json", "application/yaml"


def of_pod(spec: Any, **more: Any) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec, **more}
    return decode(json.dumps(body).encode(), JSON, POD, kind="Pod", api_version="v1")[0]


def config_map(body: bytes, strictness: str = WARN, media: str = JSON) -> tuple[dict[str, Any], list[str]]:
    return decode(body, media, CONFIG_MAP, kind="ConfigMap", api_version="v1", strictness=strictness)


def refusal(body: bytes, strictness: str = WARN, media: str = JSON) -> str:
    with pytest.raises(BadRequest) as refused:
        config_map(body, strictness, media)
    return refused.value.message


CONTAINER = {"name": "app", "image": "nginx"}


def test_empty_values_go_and_structs_that_are_never_absent_come():
    pod = of_pod({"containers": [{**CONTAINER, "args": [], "stdin": False, "workingDir": "", "env": None}]})
    assert pod["spec"]["containers"] == [{**CONTAINER, "resources": {}}]
    assert pod["status"] == {}


def test_a_zero_stays_where_go_has_a_pointer():
    pod = of_pod({"containers": [CONTAINER], "terminationGracePeriodSeconds": 0, "hostNetwork": False, "priority": 0})
    assert pod["spec"]["terminationGracePeriodSeconds"] == 0
    assert pod["spec"]["priority"] == 0
    assert "hostNetwork" not in pod["spec"]


def test_an_empty_object_stays_where_go_has_a_pointer_to_a_struct():
    pod = of_pod({"containers": [CONTAINER], "volumes": [{"name": "tmp", "emptyDir": {}}], "securityContext": {}})
    assert pod["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert pod["spec"]["securityContext"] == {}


def test_required_fields_are_there_as_zeros():
    pod = of_pod({"containers": [{"image": "nginx", "ports": [{}]}]})
    assert pod["spec"]["containers"][0]["name"] == ""
    assert pod["spec"]["containers"][0]["ports"] == [{"containerPort": 0}]
    assert of_pod({})["spec"] == {"containers": None}


def test_quantities_times_and_bytes_are_written_in_one_way():
    pod = of_pod(
        {"containers": [{**CONTAINER, "resources": {"limits": {"cpu": "1000m", "memory": 1024}}}]},
        status={"startTime": "2026-01-01T01:00:00+01:00"},
    )
    assert pod["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1", "memory": "1024"}}
    assert pod["status"]["startTime"] == "2026-01-01T00:00:00Z"


def test_conditions_show_times_that_nobody_set():
    pod = of_pod({"containers": []}, status={"conditions": [{"type": "Ready", "status": "True"}]})
    assert pod["status"]["conditions"] == [
        {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": None}
    ]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"containers": "nginx"},
            "cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            {"containers": [{"name": 1}]},
            "cannot unmarshal number into Go struct field Container.spec.containers.name of type string",
        ),
        (
            {"containers": [], "hostNetwork": "yes"},
            "cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
        ),
        (
            {"containers": [], "nodeSelector": {"a": True}},
            "cannot unmarshal bool into Go struct field PodSpec.spec.nodeSelector of type string",
        ),
        (
            {"containers": [{"livenessProbe": {"tcpSocket": {"port": 1.5}}}]},
            "cannot unmarshal number 1.5 into Go struct field "
            "TCPSocketAction.spec.containers.livenessProbe.ProbeHandler.tcpSocket.port of type int32",
        ),
        (
            {"containers": [], "restartPolicy": 5},
            "cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            {"containers": [{"ports": [{"containerPort": 2147483648}]}]},
            "cannot unmarshal number 2147483648 into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        ([], "cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"),
    ],
)
def test_a_wrong_type_is_named_as_go_names_it(spec: Any, words: str):
    with pytest.raises(BadRequest) as refused:
        of_pod(spec)
    assert refused.value.message == f'Pod in version "v1" cannot be handled as a Pod: json: {words}'


@pytest.mark.parametrize("amount", ["lots", "1 Gi", "1GB", "", True])
def test_a_quantity_that_is_none_is_refused(amount: Any):
    with pytest.raises(BadRequest, match="quantities must match the regular expression"):
        of_pod({"containers": [{"resources": {"limits": {"memory": amount}}}]})


def test_unknown_and_doubled_fields_are_an_error_a_warning_or_nothing():
    body = b'{"metadata":{"name":"a","name":"b","colour":"red"},"data":{"x":"1","x":"2"},"dta":{}}'
    told = ['duplicate field "metadata.name"', 'unknown field "metadata.colour"', 'duplicate field "data.x"']
    told.append('unknown field "dta"')
    assert refusal(body, STRICT).endswith(f"strict decoding error: {', '.join(told)}")
    found, warnings = config_map(body, WARN)
    assert warnings == told
    assert found["metadata"] == {"name": "b"}
    assert found["data"] == {"x": "2"}
    assert config_map(body, IGNORE) == (found, [])


def test_an_unknown_field_deep_in_a_list_has_its_index():
    with pytest.raises(BadRequest, match=r'unknown field "spec\.containers\[0\]\.prots"'):
        body = json.dumps({"spec": {"containers": [{"prots": []}]}}).encode()
        decode(body, JSON, POD, kind="Pod", api_version="v1", strictness=STRICT)


def test_a_body_may_leave_out_what_the_path_says():
    assert config_map(b'{"metadata":{"name":"bare"}}')[0] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "bare"},
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "json parse error: unexpected end of JSON input (<empty>)"),
        (b"hello", "json parse error: invalid character 'h' looking for beginning of value (68656c6c6f)"),
        (
            b'{"apiVersion": "v1", "kind": "ConfigMap", ',
            'unexpected end of JSON input ({"apiVersion": "v1", "kind": " ...)',
        ),
        (b'{"kind": 5}', 'cannot unmarshal number into Go struct field .kind of type string ({"kind": 5})'),
    ],
)
def test_a_body_that_is_no_object_is_shown_in_part(body: bytes, words: str):
    message = refusal(body)
    assert message.startswith(
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind"
    )
    assert message.endswith(words)


@pytest.mark.parametrize(
    ("version", "kind", "words"),
    [
        ("v1", "Secret", "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
        ("v1", "Ghost", 'no kind "Ghost" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'),
        ("apps/v1", "ConfigMap", 'no kind "ConfigMap" is registered for version "apps/v1" in scheme'),
    ],
)
def test_a_body_of_another_kind_is_refused(version: str, kind: str, words: str):
    assert words in refusal(json.dumps({"apiVersion": version, "kind": kind}).encode())


def test_a_former_version_is_told_the_version_served():
    with pytest.raises(BadRequest, match=r"the API version in the data \(apps/v1beta1\) does not match"):
        body = b'{"apiVersion":"apps/v1beta1","kind":"Deployment"}'
        decode(body, JSON, schema("apps.v1.Deployment"), kind="Deployment", api_version="apps/v1")


def test_yaml_is_read_as_go_reads_it():
    found, _ = config_map(b"metadata: {name: a}\ndata:\n  on: 'yes'\n  text: |\n    one\n", media=YAML)
    assert found["data"] == {"true": "yes", "text": "one\n"}


def test_yaml_with_a_key_twice_is_refused_when_strict():
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: why}\ndata:\n  x: one\n  x: two\n"
    assert refusal(body, STRICT, YAML).endswith('yaml: unmarshal errors:\n  line 6: key "x" already set in map')
    assert config_map(body, WARN, YAML)[0]["data"] == {"x": "two"}


def test_yaml_that_does_not_parse_is_named_by_its_line():
    assert "yaml: line 3: did not find expected node content" in refusal(b"a: v1\nb: c\nmetadata: [\n", media=YAML)


def test_base64_that_is_none_is_refused_where_it_breaks():
    assert refusal(b'{"binaryData":{"k":"not base64!"}}').endswith("illegal base64 data at input byte 3")


def test_without_a_schema_everything_is_kept():
    body = b'{"apiVersion":"shop.example.com/v1","kind":"Gadget","spec":{"size":1.5,"size":2.5,"parts":[]}}'
    found, _ = decode(body, JSON, None, kind="Gadget", api_version="shop.example.com/v1")
    assert found["spec"] == {"size": 2.5, "parts": []}
    assert type(found["spec"]) is dict


def test_half_a_surrogate_pair_becomes_the_replacement_character():
    assert config_map(b'{"data":{"k":"\\ud800"}}', IGNORE)[0]["data"] == {"k": "\ufffd"}


def test_a_body_of_ten_thousand_brackets_is_refused_not_fatal():
    assert "json parse error" in refusal(b"[" * 9000)
    assert "exceeded max depth" in refusal(b"[" * 10_001)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("items", [1], "number into Go struct field JSONSchemaProps.{at}.items of type v1.JSONSchemaProps"),
        ("items", {"type": 1}, "number into Go struct field JSONSchemaProps.{at}.items of type string"),
        ("dependencies", {"a": [1]}, "number into Go struct field JSONSchemaProps.{at}.dependencies of type string"),
        ("additionalProperties", "yes", None),
    ],
)
def test_a_schema_within_a_schema_is_read_apart(field: str, value: Any, words: str | None):
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"a": {field: value}}}}}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"versions": [version]},
    }
    with pytest.raises(BadRequest) as refused:
        definition(body)
    wrong = "boolean or JSON schema expected"
    if words:
        wrong = f"json: cannot unmarshal {words.format(at='spec.versions.schema.openAPIV3Schema.properties')}"
    assert refused.value.message.endswith(f"as a CustomResourceDefinition: {wrong}")


def test_a_list_of_schemas_may_hold_null_and_what_is_no_schema_is_none():
    properties = {"a": {"items": [None]}, "b": {"items": "string"}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"properties": properties}}}
    read = definition({"metadata": {"name": "x"}, "spec": {"versions": [version]}})
    found = read["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    assert found == {"a": {"items": [{}]}, "b": {"items": None}}


def definition(body: dict[str, Any]) -> dict[str, Any]:
    kind, api_version = "CustomResourceDefinition", "apiextensions.k8s.io/v1"
    of = schema("apiextensions.v1.CustomResourceDefinition")
    return decode(json.dumps(body).encode(), JSON, of, kind=kind, api_version=api_version)[0]
