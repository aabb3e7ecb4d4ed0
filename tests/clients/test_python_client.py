"""The `kubernetes` Python client: what its models say is what the server keeps, for every kind that is served."""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from apiserver.kinds import KINDS
from apiserver.kinds.kind import Kind
from tests.clients.conftest import Server
from tests.clients.models import NAMESPACE, api_of, every_field, filled, made, model_of, settled, snake

Object = dict[str, Any]

STORED = [kind for kind in KINDS if kind.stored and {"create", "get", "update"} <= set(kind.verbs)]

# What the client's models (1.37) have that came after 1.36.
LATER = {
    "CSINode.status",
    "ClusterTrustBundleProjection.user",
    "ConfigMapVolumeSource.defaultUser",
    "Device.nodeAllocatableResources",
    "DeviceCounterConsumption.compatibilityGroups",
    "DeviceRequestAllocationResult.skipNodeOperations",
    "DeviceSubRequest.derivedAttributes",
    "DownwardAPIVolumeFile.user",
    "DownwardAPIVolumeSource.defaultUser",
    "EmptyDirVolumeSource.mode",
    "ExactDeviceRequest.derivedAttributes",
    "GRPCAction.mode",
    "HTTPGetAction.protocol",
    "HorizontalPodAutoscalerCondition.observedGeneration",
    "JobSpec.scheduling",
    "KeyToPath.user",
    "NodeAllocatableResourceClaimStatus.mapping",
    "NodeAllocatableResourceClaimStatus.overhead",
    "NodeSpec.podPreemptionPolicy",
    "NodeSystemInfo.runningInUserNamespace",
    "PersistentVolumeClaimStatus.healthStatus",
    "PodCertificateProjection.user",
    "PodSpec.evictionResponders",
    "PodStatus.volumeHealth",
    "ProjectedVolumeSource.defaultUser",
    "ResourceSliceSpec.partitionTypeAttribute",
    "ResourceSliceSpec.skipNodeOperations",
    "SecretVolumeSource.defaultUser",
    "ServiceAccountTokenProjection.user",
    "VolumeMount.bindMountOptions",
}


def test_every_field_of_the_clients_models_is_known() -> None:
    unknown = {name for kind in STORED for name in every_field(model_of(kind), kind.schema)}
    assert unknown <= LATER


class Calls:
    """The methods of one kind: `calls.create(body)`, `calls.read("a")`."""

    def __init__(self, kind: Kind, api_client: Any) -> None:
        self.kind = kind
        self.api = getattr(client, f"{api_of(kind)}Api")(api_client)
        self.place = (NAMESPACE,) if kind.namespaced else ()
        self.name = made(kind)["metadata"]["name"]

    def method(self, verb: str, suffix: str = "") -> Callable[..., Any]:
        scope = "namespaced_" if self.kind.namespaced else ""
        found: Callable[..., Any] = getattr(self.api, f"{verb}_{scope}{snake(self.kind.kind)}{suffix}")
        return found

    def create(self, body: Any, **more: Any) -> Any:
        return self.method("create")(*self.place, body=body, **more)

    def read(self, suffix: str = "") -> Any:
        return self.method("read", suffix)(self.name, *self.place)

    def listed(self) -> list[Any]:
        return list(self.method("list")(*self.place, field_selector=f"metadata.name={self.name}").items)

    def replace(self, body: Any, suffix: str = "", **more: Any) -> Any:
        return self.method("replace", suffix)(self.name, *self.place, body=body, **more)

    def patch(self, body: Any) -> Any:
        return self.method("patch")(self.name, *self.place, body=body)

    def delete(self) -> Any:
        options = client.V1DeleteOptions(grace_period_seconds=0, propagation_policy="Background")
        return self.method("delete")(self.name, *self.place, body=options)

    def is_settled(self) -> bool:
        """The server has told its status, and has nothing to add."""
        first, then = self.read(), self.read()
        told = (first.status and first.status.conditions) or ()
        return SERVED[self.kind.kind] in {f"{each.type}={each.status}" for each in told} and first == then

    def is_gone(self) -> bool:
        """Or goes, as soon as whoever holds it lets it."""
        try:
            return self.read().metadata.deletion_timestamp is not None
        except ApiException as error:
            return bool(error.status == 404)


@pytest.fixture(scope="module")
def api_client(bare: Server) -> Iterator[Any]:
    with bare.client() as made:
        core = client.CoreV1Api(made)
        core.create_namespace({"metadata": {"name": NAMESPACE}})
        core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": "default"}})
        yield made


def sent(api_client: Any, model: Any) -> Object:
    found: Object = api_client.sanitize_for_serialization(model)
    return found


def without_history(body: Object) -> Object:
    changing = ("generation", "managedFields", "resourceVersion")
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key not in changing}}


def assert_kept(given: Any, kept: Any, path: str = "") -> None:
    """All that was given is there, unchanged; the server may have added fields."""
    if isinstance(given, dict):
        assert isinstance(kept, dict), path
        for key, value in given.items():
            assert key in kept, f"{path}.{key} is lost"
            assert_kept(value, kept[key], f"{path}.{key}")
    elif isinstance(given, list):
        assert len(given) == len(kept), path
        for at, value in enumerate(given):
            assert_kept(value, kept[at], f"{path}[{at}]")
    else:
        assert given == kept, path


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: f"{kind.kind}.{kind.group}/{kind.version}")
def test_a_model_of_every_kind_goes_there_and_back(kind: Kind, api_client: Any, eventually: Any) -> None:
    calls = Calls(kind, api_client)
    body = settled(kind, made(kind), lambda body: calls.create(body, dry_run="All"))
    model = api_client._ApiClient__deserialize(body, model_of(kind))
    created = calls.create(model)
    try:
        assert_kept(sent(api_client, model), sent(api_client, created))
        if kind.kind in SERVED:
            eventually(calls.is_settled, f"the status of a {kind.kind}")
            created = calls.read()
        assert calls.read() == created
        [listed] = calls.listed()
        listed.api_version, listed.kind = created.api_version, created.kind  # items of lists do not say them
        assert listed == created
        assert calls.replace(created) == created, "the same again changes nothing, not even the version"
        patched = calls.patch({"metadata": {"labels": {"patched": "yes"}}})
        assert patched.metadata.labels == {**created.metadata.labels, "patched": "yes"}
        patched.metadata.labels.pop("patched")
        replaced = calls.replace(patched)
        assert without_history(sent(api_client, replaced)) == without_history(sent(api_client, created))
        if kind.subresource("status") and kind.kind not in SERVED:
            status_too(kind, calls, api_client)
    finally:
        calls.delete()
    assert calls.is_gone()


# Whose status the server itself writes, soon after; the last condition that it tells.
SERVED = {
    "APIService": "Available=False",
    "CustomResourceDefinition": "Established=True",
    "FlowSchema": "Dangling=False",
}
UNTOLD = {"Node": ("config",), "Pod": ("qosClass",)}  # left out, and told by the spec


def status_too(kind: Kind, calls: Calls, api_client: Any) -> None:
    status = filled(model_of(kind).openapi_types["status"], kind.schema.fields["status"].schema)
    for name in UNTOLD.get(kind.kind, ()):
        status.pop(name)
    body = {**sent(api_client, calls.read()), "status": status}
    body = settled(kind, body, lambda body: calls.replace(body, "_status", dry_run="All"))
    model = api_client._ApiClient__deserialize(body, model_of(kind))
    written = calls.replace(model, "_status")
    assert_kept(sent(api_client, model.status), sent(api_client, written.status))
    assert calls.read("_status") == written


def test_a_watch_of_the_client_tells_what_happens(api_client: Any) -> None:
    core, watch = client.CoreV1Api(api_client), kubernetes.watch.Watch()
    listed = core.list_namespaced_config_map(NAMESPACE)
    seen: list[tuple[str, str, str]] = []

    def change() -> None:
        with contextlib.suppress(ApiException):
            core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "seen"}, "data": {"at": "1"}})
            core.patch_namespaced_config_map("seen", NAMESPACE, {"data": {"at": "2"}})
            core.delete_namespaced_config_map("seen", NAMESPACE)

    changing = threading.Thread(target=change)
    changing.start()
    version = listed.metadata.resource_version
    for event in watch.stream(
        core.list_namespaced_config_map, NAMESPACE, resource_version=version, timeout_seconds=20, _request_timeout=30
    ):
        found = event["object"]
        seen.append((event["type"], found.metadata.name, found.data["at"]))
        if event["type"] == "DELETED":
            watch.stop()
    changing.join()
    assert seen == [("ADDED", "seen", "1"), ("MODIFIED", "seen", "2"), ("DELETED", "seen", "2")]


def test_the_dynamic_client_applies(api_client: Any) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(api_client)
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    made = maps.server_side_apply(body, namespace=NAMESPACE, field_manager="test")
    assert made.metadata.managedFields[0].operation == "Apply"
    with pytest.raises(kubernetes.dynamic.exceptions.ConflictError) as refused:
        maps.server_side_apply({**copy.deepcopy(body), "data": {"a": "2"}}, namespace=NAMESPACE, field_manager="other")
    assert "Apply failed with 1 conflict" in str(refused.value.body)
    maps.delete(name="applied", namespace=NAMESPACE)
