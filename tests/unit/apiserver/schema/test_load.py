"""Schemas out of lightkube-models' text."""

import subprocess
import sys

import pytest

from apiserver.kinds import KINDS
from apiserver.schema.load import schema, unwrap
from apiserver.schema.schema import Schema
from apiserver.schema.scheme import registered


def test_a_type_has_its_fields_documentation_and_name():
    pod = schema("core.v1.Pod")
    assert pod.name == "io.k8s.api.core.v1.Pod"
    assert pod.description.startswith("Pod is a collection of containers")
    assert list(pod.fields) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert pod.fields["spec"].schema.fields["containers"].required
    assert pod.fields["spec"].absent == "struct"


def test_wrapped_lines_are_joined_and_paragraphs_kept():
    created = schema("meta.v1.ObjectMeta").fields["creationTimestamp"].description
    assert "representing the server time when this object was created" in created
    assert "in UTC.\n\nPopulated by the system." in created


def test_a_list_in_documentation_stays_a_list():
    assert unwrap("one of:\n        - a\n        - b") == "one of:\n- a\n- b"


def test_what_lightkube_leaves_out_comes_from_the_tables():
    spec = schema("core.v1.PodSpec").fields
    assert spec["terminationGracePeriodSeconds"].schema.format == "int64"
    assert spec["priority"].schema.format == "int32"
    assert spec["priority"].pointer
    assert not spec["hostNetwork"].pointer
    assert spec["restartPolicy"].go_type == "v1.RestartPolicy"
    container = spec["containers"].schema.items
    assert container is not None
    assert container.fields["resources"].absent == "struct"
    assert container.fields["resources"].schema.fields["limits"].schema.values.format == "quantity"


def test_lists_say_how_they_merge():
    containers = schema("core.v1.PodSpec").fields["containers"]
    assert (containers.list_type, containers.list_map_keys) == ("map", ("name",))
    assert (containers.patch_strategy, containers.patch_merge_key) == ("merge", "name")
    assert schema("meta.v1.LabelSelector").map_type == "atomic"


def test_types_that_hold_themselves_can_be_walked():
    props = schema("apiextensions.v1.JSONSchemaProps")
    assert props.fields["properties"].schema.values is props
    assert "$ref" in props.fields


def test_a_type_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        schema("core.v1.Nothing")


def test_kinds_that_kubernetes_knows_are_told_from_inventions():
    assert registered("v1", "Pod")
    assert registered("apps/v1", "Deployment")
    assert registered("apps/v1beta1", "Deployment")
    assert registered("rbac.authorization.k8s.io/v1", "Role")
    assert not registered("apps/v1", "ConfigMap")
    assert not registered("v1", "Container")
    assert not registered("shop.example.com/v1", "Gadget")
    assert not registered("v1\0", "Pod")
    assert not registered("../models/core/v1", "Pod")


def test_every_type_under_every_kind_can_be_read():
    seen: dict[int, Schema] = {}
    waiting = [kind.schema for kind in KINDS]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        waiting += [field.schema for field in each.fields.values()]
        waiting += [inner for inner in (each.items, each.values) if inner is not None]
    named = {each.name for each in seen.values() if each.name}
    assert len(named) > 150
    assert all(each.type for each in seen.values() if each.fields)


def test_loading_the_kinds_imports_no_http_client():
    code = "import sys, apiserver.kinds; print([name for name in ('lightkube', 'httpx') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
