"""lightkube, unmodified: every verb that it has, subresources, waits, custom resources."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
from lightkube import ApiError, Client, KubeConfig, codecs
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, ContainerPort, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview
from lightkube.resources.core_v1 import ConfigMap, Node, Pod
from lightkube.types import CascadeType, PatchType

from tests.clients.conftest import Server, wait

LABELS = {"app": "web"}
TEMPLATE = PodTemplateSpec(
    metadata=ObjectMeta(labels=LABELS),
    spec=PodSpec(containers=[Container(name="app", image="example.org/app:1", ports=[ContainerPort(80)])]),
)


@pytest.fixture
def kube(server: Server, namespace: str) -> Iterator[Client]:
    with contextlib.closing(
        Client(KubeConfig.from_file(server.kubeconfig), namespace=namespace, field_manager="lightkube")
    ) as made:
        yield made


def conf(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, labels={"of": "test"}), data=data)


def test_an_object_from_its_creation_to_its_end(kube: Client) -> None:
    made = kube.create(conf("a", k="1"))
    assert made.metadata and made.metadata.uid
    assert kube.get(ConfigMap, "a") == made
    made.data = {"k": "2"}
    replaced = kube.replace(made)
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        kube.replace(made)
    assert (refused.value.status.code, refused.value.status.reason) == (409, "Conflict")
    assert replaced.metadata and kube.replace(replaced) == replaced
    assert kube.patch(ConfigMap, "a", {"data": {"more": "3"}}).data == {"k": "2", "more": "3"}
    removed = [{"op": "remove", "path": "/data/k"}]
    assert kube.patch(ConfigMap, "a", removed, patch_type=PatchType.JSON).data == {"more": "3"}
    marked = kube.set(ConfigMap, "a", labels={"of": None, "new": "yes"}, annotations={"note": "n"})
    assert marked.metadata and (marked.metadata.labels, marked.metadata.annotations) == ({"new": "yes"}, {"note": "n"})
    assert kube.create(conf("b"), dry_run=True).metadata
    assert [each.metadata.name for each in kube.list(ConfigMap, labels={"new": "yes"}) if each.metadata] == ["a"]
    kube.delete(ConfigMap, "a")
    with pytest.raises(ApiError, match='configmaps "a" not found'):
        kube.get(ConfigMap, "a")


def test_lists_come_in_pages(kube: Client) -> None:
    for at in range(7):
        kube.create(conf(f"page-{at}"))
    listed = kube.list(ConfigMap, chunk_size=3, labels={"of": "test"})
    assert [each.metadata.name for each in listed if each.metadata] == [f"page-{at}" for at in range(7)]
    assert listed.resourceVersion
    kube.deletecollection(ConfigMap)
    assert list(kube.list(ConfigMap, labels={"of": "test"})) == []


def test_fields_are_applied_and_conflicts_told(kube: Client) -> None:
    applied = ConfigMap(apiVersion="v1", kind="ConfigMap", metadata=ObjectMeta(name="applied"), data={"k": "1"})
    made = kube.apply(applied)
    assert made.metadata and made.metadata.managedFields and made.metadata.managedFields[0].manager == "lightkube"
    made = kube.apply(applied, field_manager="other")
    applied.data = {"k": "2"}
    with pytest.raises(ApiError, match="Apply failed with 1 conflict"):
        kube.apply(applied, field_manager="other")
    assert kube.apply(applied, field_manager="other", force=True).data == {"k": "2"}


def test_a_workload_its_scale_and_its_status(kube: Client) -> None:
    spec = DeploymentSpec(selector=LabelSelector(matchLabels=LABELS), template=TEMPLATE, replicas=1)
    web = kube.create(Deployment(metadata=ObjectMeta(name="web"), spec=spec))
    scaled = kube.replace(Deployment.Scale(metadata=web.metadata, spec=ScaleSpec(replicas=2)))
    assert scaled.spec and scaled.spec.replicas == 2
    kube.patch(Deployment.Status, "web", {"status": {"conditions": [
        {"type": "Available", "status": "True", "lastUpdateTime": "2026-01-01T00:00:00Z",
         "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Test", "message": "by hand"}
    ]}})  # fmt: skip
    found = kube.wait(Deployment, "web", for_conditions=["Available"])
    assert found.spec and found.spec.replicas == 2
    kube.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)


def test_a_watch_goes_on_where_the_list_ended(kube: Client) -> None:
    listed = kube.list(ConfigMap)
    assert list(listed) and listed.resourceVersion
    seen = []

    def change() -> None:
        kube.create(conf("seen", at="1"))
        kube.patch(ConfigMap, "seen", {"data": {"at": "2"}})
        kube.delete(ConfigMap, "seen")

    changing = threading.Thread(target=change)
    changing.start()
    for event, each in kube.watch(ConfigMap, resource_version=listed.resourceVersion, server_timeout=20):
        seen.append((event, each.data))
        if event == "DELETED":
            break
    changing.join()
    assert seen == [("ADDED", {"at": "1"}), ("MODIFIED", {"at": "2"}), ("DELETED", {"at": "2"})]


def test_a_pod_without_a_node_has_written_nothing(kube: Client) -> None:
    kube.create(Pod(metadata=ObjectMeta(name="still"), spec=TEMPLATE.spec))
    assert list(kube.log("still")) == []
    kube.delete(Pod, "still", grace_period=0)
    assert list(kube.list(Pod)) == []
    assert list(kube.list(Node)) == []


def test_a_review_is_answered(kube: Client, namespace: str) -> None:
    asked = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": namespace}}}
    review = kube.create(SelfSubjectAccessReview.from_dict(asked))
    assert review.status and review.status.allowed


def test_custom_resources(kube: Client, namespace: str) -> None:
    group = f"{namespace}.example.org"
    properties = {"spec": {"type": "object", "properties": {"sails": {"type": "integer", "minimum": 1}}}}
    properties["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}  # type: ignore[dict-item]
    definition = codecs.from_dict(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"boats.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": "Boat", "plural": "boats"},
                "scope": "Namespaced",
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "subresources": {"status": {}},
                        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                    }
                ],
            },
        }
    )
    kube.create(definition)
    kube.wait(CustomResourceDefinition, f"boats.{group}", for_conditions=["Established"])
    boats = create_namespaced_resource(group, "v1", "Boat", "boats")
    kube.create(boats(metadata=ObjectMeta(name="b"), spec={"sails": 1}))
    with pytest.raises(ApiError, match="should be greater than or equal to 1"):
        kube.patch(boats, "b", {"spec": {"sails": 0}}, patch_type=PatchType.MERGE)
    kube.patch(boats, "b", {"spec": {"sails": 2}}, patch_type=PatchType.MERGE)
    kube.patch(boats.Status, "b", {"status": {"afloat": True}}, patch_type=PatchType.MERGE)
    [found] = kube.list(boats)
    assert (found.spec, found.status) == ({"sails": 2}, {"afloat": True})
    kube.delete(CustomResourceDefinition, f"boats.{group}")
    wait(lambda: gone(kube, f"boats.{group}"), "the end of the definition")


def gone(kube: Client, name: str) -> bool:
    try:
        kube.get(CustomResourceDefinition, name)
    except ApiError as error:
        return bool(error.status.code == 404)
    return False
