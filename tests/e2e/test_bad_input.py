"""What is wrong is refused in Kubernetes' words, and nothing is lost."""

import json
from typing import Any

import pytest

from tests.e2e.asking import container
from tests.e2e.manifests import FOREVER, manifest, pod, shell

REFUSED = [
    ("malformed YAML", "kind: Pod\n  apiVersion: v1", "error parsing"),
    ("an unknown kind", "apiVersion: v1\nkind: Pot\nmetadata: {name: a}", 'no matches for kind "Pot" in version "v1"'),
    (
        "an unknown field",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, imagee: c}]}",
        'unknown field "spec.containers[0].imagee"',
    ),
    (
        "a wrong type",
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, ports: "80"}]}',
        "cannot unmarshal string into Go struct field",
    ),
    (
        "no image",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a}]}",
        'The Pod "x" is invalid: spec.containers[0].image: Required value',
    ),
    (
        "several errors at once",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\nspec: {containers: [{name: a}], restartPolicy: Maybe}",
        'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
    ),
    (
        "a path as a name",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../etc}",
        "metadata.name: Invalid value",
    ),
]


@pytest.mark.parametrize(("text", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_wrong_manifest_is_refused(pods: Any, text: str, words: str) -> None:
    refused = pods("create", "-f", "-", input=text, check=False)
    assert refused.returncode != 0
    assert words in refused.stderr
    assert pods("get", "pods", "-o", "name").stdout == ""


def test_a_body_over_three_megabytes_is_refused(pods: Any) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "x" * (4 << 20)}}
    refused = pods("create", "-f", "-", input=json.dumps(body), check=False)
    assert refused.returncode != 0
    assert "large" in refused.stderr.lower()


def test_two_writers_on_one_object_cannot_lose_a_change(pods: Any) -> None:
    pods("create", "configmap", "shared", "--from-literal=a=1")
    mine = json.loads(pods("get", "configmap", "shared", "-o", "json").stdout)
    pods("patch", "configmap", "shared", "--type=merge", "-p", '{"data":{"b":"2"}}')
    mine["data"]["a"] = "mine"
    late = pods("replace", "-f", "-", input=json.dumps(mine), check=False)
    assert "the object has been modified; please apply your changes to the latest version" in late.stderr
    assert json.loads(pods("get", "configmap", "shared", "-o", "json").stdout)["data"] == {"a": "1", "b": "2"}


def test_a_command_that_does_not_exist_is_told(pods: Any) -> None:
    pods.create(pod("nocommand", "/no/such/program", restartPolicy="Never"))
    pods.until("nocommand", lambda found: found["status"].get("phase") == "Failed")
    ended = container(pods.get("nocommand"))["state"]["terminated"]
    assert ended["exitCode"] == 128
    assert ended["reason"] in ("StartError", "ContainerCannotRun")
    assert "no such file or directory" in ended["message"]


def test_an_image_that_does_not_exist_is_told_and_waited_for(pods: Any) -> None:
    pods.create(pod("noimage", image="podling.invalid/none:1"))
    pods.until_status("noimage", "ImagePullBackOff", seconds=60)
    reasons = dict(pods.events("noimage"))
    assert {"Pulling", "Failed", "BackOff"} <= set(reasons)
    pods.create(pod("never", image="podling-no-such-image", **{}).replace("IfNotPresent", "Never"))
    pods.until_status("never", "ErrImageNeverPull")


def test_a_port_that_is_taken_is_told_by_the_program(pods: Any) -> None:
    members = [shell("httpd -f -p 80 -h /", "first"), shell("sleep 1; httpd -f -p 80 -h /", "second")]
    pods.create(manifest("ports", members))
    pods.until("ports", lambda found: container(found, "second").get("restartCount", 0) >= 1)
    assert "in use" in pods("logs", "ports", "-c", "second", "--previous").stdout


def test_an_immutable_field_stays(pods: Any) -> None:
    pods.create(pod("fixed", "sh", "-c", FOREVER))
    patch = '{"spec":{"restartPolicy":"Never"}}'
    refused = pods("patch", "pod", "fixed", "-p", patch, check=False)
    assert "spec: Forbidden: pod updates may not change fields other than" in refused.stderr


def test_a_pod_that_fits_nowhere_says_why_and_goes_when_it_can(pods: Any, cluster: Any) -> None:
    node = cluster.kubectl("get", "nodes", "-o", "name").stdout.split()[0]
    pods.create(pod("picky", "sh", "-c", FOREVER, nodeSelector={"disk": "ssd"}))
    pods.eventually(lambda: "FailedScheduling" in dict(pods.events("picky")))
    assert "didn't match Pod's node affinity/selector" in dict(pods.events("picky"))["FailedScheduling"]
    assert pods.status("picky") == "Pending"
    cluster.kubectl("label", node, "disk=ssd")
    try:
        pods.running("picky")
    finally:
        cluster.kubectl("label", node, "disk-")


def test_what_podling_does_not_do_is_warned_of_and_told_of_the_pod(pods: Any) -> None:
    volumes = [{"name": "far", "nfs": {"server": "10.0.0.1", "path": "/"}}]
    made = pods("apply", "-f", "-", input=pod("far", volumes=volumes))
    assert "Warning: spec.volumes[0].nfs: podling mounts no remote file systems" in made.stderr
    pods.eventually(lambda: "MountVolume.SetUp failed" in pods("describe", "pod", "far").stdout)
    assert pods("get", "pod", "far", "-o", "jsonpath={.status.phase}").stdout == "Pending"
    template = pods("create", "deployment", "web", "--image=busybox")
    assert "Warning: deployments.apps: podling has no controller for it yet" in template.stderr
