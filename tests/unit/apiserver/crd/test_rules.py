"""What is right about a definition, in Kubernetes' words."""

from copy import deepcopy
from typing import Any

import pytest

from apiserver.crd.definition import CUSTOM_RESOURCE_DEFINITION, warn, warn_update
from apiserver.crd.internal import internal, shown
from apiserver.crd.rules import validate_create, validate_update
from tests.unit.apiserver.crd.boats import definition, spec_schema, version

Object = dict[str, Any]

SERVICE = {"name": "hook", "namespace": "default"}


def whole(**spec: Any) -> Object:
    """A definition that is right, changed, as it is when it is validated."""
    made = definition(version("v1", spec_schema(sails="integer"), storage=True))
    made["spec"].update(spec)
    CUSTOM_RESOURCE_DEFINITION.default(made)
    CUSTOM_RESOURCE_DEFINITION.prepare_create(made)
    return made


def of_version(**more: Any) -> Object:
    return whole(versions=[version("v1", spec_schema(sails="integer"), storage=True, **more)])


def webhook(**config: Any) -> Object:
    hook = {"clientConfig": config, "conversionReviewVersions": ["v1"]}
    return whole(conversion={"strategy": "Webhook", "webhook": hook})


def wrong(obj: Object) -> list[str]:
    return [str(error) for error in validate_create(obj)]


def test_a_definition_may_be_right() -> None:
    assert wrong(whole()) == []


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (whole(scope=""), ["spec.scope: Required value"]),
        (
            whole(group="example"),
            ['must be spec.names.plural+"."+spec.group', "should be a domain with at least one dot"],
        ),
        (
            of_version(deprecationWarning="old"),
            ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
        ),
        (
            of_version(deprecated=True, deprecationWarning=""),
            ['spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string'],
        ),
        (
            of_version(deprecated=True, deprecationWarning="a\nb"),
            ["printable UTF-8 characters; non-printable character found at index 1"],
        ),
        (
            of_version(subresources={"scale": {"specReplicasPath": "spec.a", "statusReplicasPath": ".spec.b"}}),
            [
                'spec.subresources.scale.specReplicasPath: Invalid value: "spec.a": must be a simple json path',
                "spec.subresources.scale.statusReplicasPath",
            ],
        ),
        (
            of_version(additionalPrinterColumns=[{"type": "text", "jsonPath": "spec"}]),
            [
                "spec.additionalPrinterColumns[0].name: Required value",
                'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer',
                'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path',
            ],
        ),
        (
            of_version(selectableFields=[{"jsonPath": ".spec.sails"}, {"jsonPath": ".spec.none"}]),
            ['spec.selectableFields[1].jsonPath: Invalid value: ".spec.none": is an invalid path: does not refer to a'],
        ),
        (
            whole(conversion={"strategy": "Magic"}),
            ['spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"'],
        ),
        (
            whole(conversion={"strategy": "Webhook"}),
            [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        ),
        (
            whole(conversion={"strategy": "None", "webhook": {"clientConfig": {}, "conversionReviewVersions": ["v1"]}}),
            [
                "spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy",
            ],
        ),
        (webhook(), ["spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required"]),
        (
            webhook(url="http://me@host/path?a=b#c"),
            [
                "spec.conversion.webhookClientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL",
                'url: Invalid value: "me": user information is not permitted in the URL',
                'url: Invalid value: "c": fragments are not permitted in the URL',
                'url: Invalid value: "a=b": query parameters are not permitted in the URL',
            ],
        ),
        (
            webhook(service={**SERVICE, "port": 0, "path": "/a//b"}),
            [
                "service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
                'service.path: Invalid value: "/a//b": segment[1] may not be empty',
            ],
        ),
        (
            whole(
                conversion={
                    "strategy": "Webhook",
                    "webhook": {"clientConfig": {"service": SERVICE}, "conversionReviewVersions": ["v2", "v2"]},
                }
            ),
            [
                'conversionReviewVersions[1]: Invalid value: "v2": duplicate version',
                'conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
            ],
        ),
    ],
)
def test_what_is_wrong_is_told(obj: Object, words: list[str]) -> None:
    found = wrong(obj)
    assert len(found) == len(words), found
    for told, expected in zip(found, words, strict=True):
        assert expected in told


def test_the_port_of_a_service_is_443_where_it_is_not_said() -> None:
    made = webhook(service=dict(SERVICE))
    assert made["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"] == 443
    assert wrong(made) == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"scope": "Cluster"}, ["spec.scope"]),
        ({"group": "other.com"}, ["spec.group"]),
        ({"names": {"plural": "ships", "singular": "boat", "kind": "Ship", "listKind": "ShipList"}},
         ["spec.names.kind", "spec.names.plural"]),
    ],
)  # fmt: skip
def test_what_the_storage_depends_on_is_immutable_once_established(change: Object, fields: list[str]) -> None:
    old = whole()
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    new = deepcopy(old)
    new["spec"].update(change)
    assert [error.field for error in validate_update(new, old)] == fields


def test_scope_may_change_while_nothing_is_served() -> None:
    old = whole()
    new = deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    assert validate_update(new, old) == []


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("", "Required value: protected groups must have approval annotation"),
        ("yes", 'Invalid value: "yes": protected groups must have approval annotation'),
        ("https://github.com/kubernetes/kubernetes/pull/1", ""),
        ("unapproved, experiment", ""),
    ],
)
def test_groups_of_the_community_need_an_approval(annotation: str, words: str) -> None:
    made = whole(group="boats.k8s.io")
    made["metadata"]["name"] = "boats.boats.k8s.io"
    made["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation} if annotation else {}
    found = wrong(made)
    assert len(found) == bool(words)
    assert words in "".join(found)
    changed = deepcopy(made)
    changed["spec"]["names"]["shortNames"] = ["b"]
    assert validate_update(changed, made) == [], "what was accepted once stays accepted"


def test_what_versions_agree_on_is_named_above_them() -> None:
    bad = {"type": "object", "properties": {"a": {"type": "text"}}}
    same = whole(versions=[version("v1", bad, storage=True), version("v2", bad)])
    assert [each.partition(":")[0] for each in wrong(same)][:1] == [
        "spec.validation.openAPIV3Schema.properties[a].type"
    ]
    other = whole(versions=[version("v1", bad, storage=True), version("v2")])
    assert wrong(other)[0].startswith("spec.versions[0].schema.openAPIV3Schema.properties[a].type")


def test_versions_are_shown_with_all_fields_of_go() -> None:
    columns = [{"name": "A", "type": "string", "jsonPath": ".a"}]
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string"}}, "b": {"additionalProperties": True}},
        "x-kubernetes-validations": [{"rule": "true"}],
    }
    spec = {
        "versions": [
            {"name": "v1", "additionalPrinterColumns": columns, "schema": {"openAPIV3Schema": schema},
             "subresources": {"status": {}, "scale": {"specReplicasPath": ".a"}},
             "selectableFields": [{"jsonPath": ".a"}]},
            {"name": "v2"},
        ]
    }  # fmt: skip
    first, second = shown(internal(spec).versions)
    assert second["Schema"] is None
    assert first["AdditionalPrinterColumns"][0]["JSONPath"] == ".a"
    assert first["Subresources"]["Scale"] == {
        "SpecReplicasPath": ".a",
        "StatusReplicasPath": "",
        "LabelSelectorPath": None,
    }
    found = first["Schema"]["OpenAPIV3Schema"]
    assert (found["Type"], found["Nullable"], found["Default"]) == ("object", False, None)
    assert found["Properties"]["a"]["Items"]["Schema"]["Type"] == "string"
    assert found["Properties"]["b"]["AdditionalProperties"] == {"Allows": True, "Schema": None}
    assert found["XValidations"][0]["Rule"] == "true"


def test_formats_that_nobody_checks_are_warned_of_when_they_come() -> None:
    old = whole(versions=[version("v1", spec_schema(a={"type": "string", "format": "nonsense"}), storage=True)])
    new = deepcopy(old)
    fields = new["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields["b"] = {"type": "string", "format": "gibberish"}
    fields["c"] = {"type": "integer", "format": "int32"}
    assert warn(old) == ['unrecognized format "nonsense"']
    assert warn_update(new, old) == ['unrecognized format "gibberish"']
