"""What admission does to pods: their account, priority, tolerations, namespace."""

from typing import Any

import pytest

from apiserver.admission import Chain
from apiserver.admission.namespacelifecycle import NAMESPACES
from apiserver.admission.plugin import Admission
from apiserver.admission.priority import PRIORITY_CLASSES
from apiserver.admission.serviceaccount import MOUNT_PATH, SERVICE_ACCOUNTS, ServiceAccount
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import Forbidden, NotFound

POD = Kind("", "v1", "Pod", "pods", Schema("object"))
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", Schema("object"), namespaced=False)
NODE = Kind("", "v1", "Node", "nodes", Schema("object"), namespaced=False)
CLASS = Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", Schema("object"), namespaced=False)
DORA = User("dora")

Object = dict[str, Any]


def world() -> MemoryLister:
    lister = MemoryLister()
    lister.put(NAMESPACES, {"metadata": {"name": "x"}, "status": {"phase": "Active"}})
    lister.put(NAMESPACES, {"metadata": {"name": "going"}, "status": {"phase": "Terminating"}})
    lister.put(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "x"}})
    return lister


def write(operation: str, new: Object | None, old: Object | None = None, kind: Kind = POD, **more: Any) -> Admission:
    metadata = (new or old or {"metadata": {}})["metadata"]
    fields = {
        "subresource": "",
        "namespace": metadata.get("namespace", ""),
        "name": metadata.get("name", ""),
        "user": DORA,
    }
    return Admission(operation=operation, kind=kind, object=new, old=old, **(fields | more))


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "web", "namespace": "x"}, "spec": {"containers": [{"name": "app"}], **spec}}


async def admitted(lister: MemoryLister, asked: Admission) -> Object:
    chain = Chain(lister, Authorizers(lister))
    await chain.admit(asked)
    await chain.validate(asked)
    return (asked.object or {}).get("spec") or {}


async def refusal(lister: MemoryLister, asked: Admission) -> str:
    with pytest.raises(Forbidden) as caught:
        await admitted(lister, asked)
    return caught.value.message


async def test_a_pod_runs_as_default_and_finds_its_token() -> None:
    spec = await admitted(world(), write("CREATE", pod()))
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    (mount,) = spec["containers"][0]["volumeMounts"]
    (volume,) = spec["volumes"]
    assert mount == {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert volume["name"].startswith("kube-api-access-")
    assert volume["projected"]["defaultMode"] == 420
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]


async def test_a_container_that_mounts_something_there_keeps_it() -> None:
    mine = {"name": "tmp", "mountPath": MOUNT_PATH}
    spec = await admitted(world(), write("CREATE", pod(containers=[{"name": "app", "volumeMounts": [mine]}])))
    assert spec["containers"][0]["volumeMounts"] == [mine]
    assert "volumes" not in spec


@pytest.mark.parametrize(
    ("of_pod", "of_account", "mounts"),
    [(None, None, True), (None, False, False), (True, False, True), (False, True, False), (False, None, False)],
)
async def test_the_pod_decides_before_the_account_whether_to_mount(
    of_pod: bool | None, of_account: bool | None, mounts: bool
) -> None:
    lister = world()
    account: Object = {"metadata": {"name": "default", "namespace": "x"}}
    if of_account is not None:
        account["automountServiceAccountToken"] = of_account
    lister.put(SERVICE_ACCOUNTS, account)
    said = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    assert ("volumes" in await admitted(lister, write("CREATE", pod(**said)))) is mounts


async def test_pull_secrets_come_from_the_account_unless_the_pod_has_its_own() -> None:
    lister = world()
    lister.put(
        SERVICE_ACCOUNTS,
        {"metadata": {"name": "robot", "namespace": "x"}, "imagePullSecrets": [{"name": "registry"}]},
    )
    of_account = await admitted(lister, write("CREATE", pod(serviceAccount="robot")))
    own = await admitted(lister, write("CREATE", pod(serviceAccountName="robot", imagePullSecrets=[{"name": "mine"}])))
    assert of_account["imagePullSecrets"] == [{"name": "registry"}]
    assert own["imagePullSecrets"] == [{"name": "mine"}]


async def test_an_account_that_is_not_there_is_told() -> None:
    assert await refusal(world(), write("CREATE", pod(serviceAccountName="robot"))) == (
        'pods "web" is forbidden: error looking up service account x/robot: serviceaccount "robot" not found'
    )


async def test_the_default_account_of_a_fresh_namespace_is_waited_for() -> None:
    lister = world()
    lister.remove(SERVICE_ACCOUNTS, "x", "default")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            lister.put(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "x"}})

    asked = write("CREATE", pod())
    await ServiceAccount(lister, sleep).admit(asked)
    assert len(waits) == 3
    lister.remove(SERVICE_ACCOUNTS, "x", "default")
    with pytest.raises(Forbidden, match='serviceaccount "default" not found'):
        await ServiceAccount(lister, sleep).admit(write("CREATE", pod()))
    assert len(waits) == 13


async def test_a_mirror_pod_has_no_account_and_may_name_none() -> None:
    mirror = pod()
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "1"}
    assert "serviceAccountName" not in await admitted(world(), write("CREATE", mirror))
    mirror["spec"]["serviceAccountName"] = "default"
    assert "a mirror pod may not reference service accounts" in await refusal(world(), write("CREATE", mirror))


async def test_pods_tolerate_lost_nodes_for_five_minutes() -> None:
    spec = await admitted(world(), write("CREATE", pod(tolerations=[{"key": "gpu", "operator": "Exists"}])))
    assert [toleration["key"] for toleration in spec["tolerations"]] == [
        "gpu",
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


@pytest.mark.parametrize("own", [{"operator": "Exists"}, {"operator": "Exists", "effect": "NoExecute"}])
async def test_a_pod_that_tolerates_everything_is_left_alone(own: Object) -> None:
    spec = await admitted(world(), write("CREATE", pod(tolerations=[own])))
    assert spec["tolerations"] == [own]


@pytest.mark.parametrize(
    ("said", "priority"),
    [({}, 0), ({"priorityClassName": "system-node-critical"}, 2000001000), ({"priorityClassName": "gold"}, 7)],
)
async def test_priority_comes_from_the_class(said: Object, priority: int) -> None:
    lister = world()
    lister.put(PRIORITY_CLASSES, {"metadata": {"name": "gold"}, "value": 7, "preemptionPolicy": "Never"})
    spec = await admitted(lister, write("CREATE", pod(**said)))
    assert spec["priority"] == priority
    assert spec["preemptionPolicy"] == ("Never" if priority == 7 else "PreemptLowerPriority")


async def test_a_default_class_counts_for_pods_that_name_none() -> None:
    lister = world()
    lister.put(PRIORITY_CLASSES, {"metadata": {"name": "usual"}, "value": 3, "globalDefault": True})
    spec = await admitted(lister, write("CREATE", pod()))
    assert (spec["priority"], spec["priorityClassName"]) == (3, "usual")
    second = {"metadata": {"name": "second"}, "value": 4, "globalDefault": True}
    assert await refusal(lister, write("CREATE", second, kind=CLASS)) == (
        'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. '
        "Only one default can exist"
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"priorityClassName": "gold"}, "no PriorityClass with name gold was found"),
        (
            {"priority": 7},
            "the integer value of priority (7) must not be provided in pod spec; "
            "priority admission controller computed 0 from the given PriorityClass name",
        ),
        (
            {"preemptionPolicy": "Maybe"},
            "the string value of PreemptionPolicy (Maybe) must not be provided in pod spec; "
            "priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
        ),
    ],
)
async def test_a_priority_of_ones_own_is_refused(said: Object, why: str) -> None:
    assert await refusal(world(), write("CREATE", pod(**said))) == f'pods "web" is forbidden: {why}'


async def test_nothing_is_made_where_there_is_no_namespace() -> None:
    lost = {"metadata": {"name": "web", "namespace": "none"}, "spec": {}}
    with pytest.raises(NotFound, match='namespaces "none" not found'):
        await admitted(world(), write("CREATE", lost))


async def test_nothing_is_made_in_a_namespace_that_goes() -> None:
    late = {"metadata": {"name": "web", "namespace": "going"}, "spec": {}}
    with pytest.raises(Forbidden) as caught:
        await admitted(world(), write("CREATE", late))
    assert caught.value.message == (
        'pods "web" is forbidden: unable to create new content in namespace going because it is being terminated'
    )
    assert caught.value.details == {
        "name": "web",
        "kind": "pods",
        "causes": [
            {
                "reason": "NamespaceTerminating",
                "message": "namespace going is being terminated",
                "field": "metadata.namespace",
            }
        ],
    }


async def test_updates_and_deletions_go_on_in_a_namespace_that_goes() -> None:
    old = {"metadata": {"name": "web", "namespace": "going"}, "spec": {"priority": 0}}
    await admitted(world(), write("UPDATE", {**old}, old))
    await admitted(world(), write("DELETE", None, old))


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_three_namespaces_stay(name: str) -> None:
    asked = write("DELETE", None, {"metadata": {"name": name}}, kind=NAMESPACE)
    assert await refusal(world(), asked) == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


async def test_a_new_node_is_not_ready() -> None:
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    fresh = await admitted(world(), write("CREATE", {"metadata": {"name": "n"}}, kind=NODE))
    tainted: Object = {"metadata": {"name": "n"}, "spec": {"taints": [taint]}}
    assert fresh["taints"] == [taint]
    assert (await admitted(world(), write("CREATE", tainted, kind=NODE)))["taints"] == [taint]
