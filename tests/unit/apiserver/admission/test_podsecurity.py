"""The Pod Security Standards and the labels that ask for them."""

from typing import Any

import pytest

from apiserver.admission.namespacelifecycle import NAMESPACES
from apiserver.admission.plugin import Admission
from apiserver.admission.podsecurity import PodSecurity, policy
from apiserver.admission.podstandards import violations
from apiserver.authz.node import PODS
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import Forbidden, Invalid

POD = Kind("", "v1", "Pod", "pods", Schema("object"))
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", Schema("object"), namespaced=False)
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments", Schema("object"))

Object = dict[str, Any]

HARDENED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
HARDENED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def pod(context: Object | None = None, container: Object | None = None, **spec: Any) -> Object:
    containers = [{"name": "c", "image": "x", "securityContext": container or {}}]
    whole = {"containers": containers, "securityContext": context or {}, **spec}
    return {"metadata": {"name": "a", "namespace": "x"}, "spec": whole}


def told(body: Object, level: str) -> str:
    return ", ".join(map(str, violations(body, level)))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (pod(), ""),
        (pod(hostNetwork=True, hostIPC=True), "host namespaces (hostNetwork=true, hostIPC=true)"),
        (
            pod(container={"privileged": True}),
            'privileged (container "c" must not set securityContext.privileged=true)',
        ),
        (
            pod(container={"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}),
            'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
        ),
        (pod(volumes=[{"name": "h", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "h")'),
        (
            pod(containers=[{"name": n, "ports": [{"hostPort": p}]} for n, p in (("c", 80), ("d", 81))]),
            'hostPort (containers "c", "d" use hostPorts 80, 81)',
        ),
        (
            pod({"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_syncookies"}]}),
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            pod({"seLinuxOptions": {"type": "custom_t", "user": "u"}}),
            'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "custom_t"; user may not be set)',
        ),
        (
            pod({"seccompProfile": {"type": "Unconfined"}}, {"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (pod and container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod(container={"procMount": "Unmasked"}),
            'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
        ),
        (pod(container={"procMount": "Unmasked"}, hostUsers=False), ""),
        (
            pod(containers=[{"name": "c", "livenessProbe": {"httpGet": {"host": "h"}}}]),
            'probe or lifecycle host (container "c" uses probe or lifecycle host "h")',
        ),
        (
            pod({"windowsOptions": {"hostProcess": True}}),
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        ),
    ],
)
def test_baseline_tells_what_escalates(body: Object, words: str) -> None:
    assert told(body, "baseline") == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (pod(HARDENED_POD, HARDENED), ""),
        (
            pod(),
            'allowPrivilegeEscalation != false (container "c" must set '
            "securityContext.allowPrivilegeEscalation=false), "
            'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
            'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
            'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
            '"Localhost")',
        ),
        (
            pod({**HARDENED_POD, "runAsNonRoot": False}, HARDENED),
            "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
        ),
        (pod({**HARDENED_POD, "runAsUser": 0}, HARDENED), "runAsUser=0 (pod must not set runAsUser=0)"),
        (
            pod(HARDENED_POD, HARDENED, volumes=[{"name": "v", "nfs": {}}, {"name": "w", "emptyDir": {}}]),
            'restricted volume types (volume "v" uses restricted volume type "nfs")',
        ),
    ],
)
def test_restricted_asks_for_a_hardened_pod(body: Object, words: str) -> None:
    assert told(body, "restricted") == words


NEW_SYSCTLS = pod(
    {"sysctls": [{"name": f"net.ipv4.{name}"} for name in ("tcp_rmem", "tcp_fin_timeout", "tcp_syncookies")]}
)
ANNOTATED = {"metadata": {"name": "a", "annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}}
WINDOWS = pod({"runAsNonRoot": True}, os={"name": "windows"})


@pytest.mark.parametrize(
    ("body", "level", "version", "reasons"),
    [
        (pod(), "restricted", "v1.7", ["runAsNonRoot != true"]),
        (pod(), "restricted", "v1.8", ["allowPrivilegeEscalation != false", "runAsNonRoot != true"]),
        (
            pod(container={"capabilities": {"add": ["NET_ADMIN"]}}),
            "restricted",
            "v1.21",
            ["non-default capabilities", "allowPrivilegeEscalation != false", "runAsNonRoot != true", "seccompProfile"],
        ),
        (pod({**HARDENED_POD, "runAsUser": 0}, HARDENED), "restricted", "v1.22", []),
        (pod({**HARDENED_POD, "runAsUser": 0}, HARDENED), "restricted", "v1.23", ["runAsUser=0"]),
        (WINDOWS, "restricted", "v1.25", []),
        (
            WINDOWS,
            "restricted",
            "v1.24",
            ["allowPrivilegeEscalation != false", "unrestricted capabilities", "seccompProfile"],
        ),
        (NEW_SYSCTLS, "baseline", "v1.32", []),
        (NEW_SYSCTLS, "baseline", "v1.29", ["forbidden sysctls"]),
        (pod({"seLinuxOptions": {"type": "container_engine_t"}}), "baseline", "v1.30", ["seLinuxOptions"]),
        (pod({"seLinuxOptions": {"type": "container_engine_t"}}), "baseline", "v1.31", []),
        ({**pod(), **ANNOTATED}, "baseline", "v1.18", ["seccompProfile"]),
        ({**pod(), **ANNOTATED}, "baseline", "v1.19", []),
        (pod({"seccompProfile": {"type": "Unconfined"}}), "baseline", "v1.18", []),
        (pod(container={"procMount": "Unmasked"}, hostUsers=False), "baseline", "v1.34", ["procMount"]),
        (pod(HARDENED_POD, {**HARDENED, "procMount": "Unmasked"}), "restricted", "v1.99", ["procMount", "procMount"]),
        (
            pod(containers=[{"name": "c", "livenessProbe": {"httpGet": {"host": "h"}}}]),
            "baseline",
            "v1.33",
            [],
        ),
    ],
)
def test_the_standards_of_a_version_are_those_of_that_time(
    body: Object, level: str, version: str, reasons: list[str]
) -> None:
    assert [violation.reason for violation in violations(body, level, version)] == reasons


@pytest.mark.parametrize(
    ("labels", "mode", "wanted"),
    [
        ({"enforce": "strict"}, "enforce", "restricted:latest"),
        ({"enforce": "strict"}, "warn", "privileged:latest"),
        ({"warn": "strict"}, "warn", "privileged:latest"),
        ({"enforce": "baseline", "enforce-version": "v1.30"}, "warn", "baseline:v1.30"),
        ({"enforce": "baseline", "enforce-version": "v1.30", "warn-version": "v1.31"}, "warn", "baseline:v1.31"),
        ({"enforce": "baseline", "warn": "privileged"}, "warn", "privileged:latest"),
        ({"audit": "baseline", "audit-version": "new"}, "audit", "baseline:latest"),
    ],
)
def test_labels_say_a_level_and_a_version(labels: dict[str, str], mode: str, wanted: str) -> None:
    said = {f"pod-security.kubernetes.io/{key}": value for key, value in labels.items()}
    assert str(policy(said, mode)) == wanted


async def test_what_only_looks_like_a_workload_is_not_judged() -> None:
    rollout = Kind("example.com", "v1", "Rollout", "rollouts", Schema("object"))
    template = {"metadata": {"name": "d", "namespace": "x"}, "spec": {"template": pod(hostPID=True)}}
    asked = write("CREATE", rollout, template)
    await PodSecurity(world(warn="baseline")).validate(asked)
    assert asked.warnings == []


def test_privileged_lets_everything_through() -> None:
    assert told(pod(container={"privileged": True}, hostPID=True), "privileged") == ""


def world(**labels: str) -> MemoryLister:
    said = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return MemoryLister([(NAMESPACES, {"metadata": {"name": "x", "labels": said}})])


def write(operation: str, kind: Kind, new: Object, old: Object | None = None) -> Admission:
    metadata = new["metadata"]
    return Admission(operation, kind, "", metadata.get("namespace", ""), metadata["name"], User("u"), new, old)


async def test_enforced_pods_are_refused_and_templates_are_warned_of() -> None:
    plugin = PodSecurity(world(enforce="baseline", enforce_version="v1.30"))
    with pytest.raises(Forbidden) as caught:
        await plugin.validate(write("CREATE", POD, pod(hostPID=True)))
    assert caught.value.message == (
        'pods "a" is forbidden: violates PodSecurity "baseline:v1.30": host namespaces (hostPID=true)'
    )
    template = {"metadata": {"name": "d", "namespace": "x"}, "spec": {"template": pod(hostPID=True)}}
    asked = write("CREATE", DEPLOYMENT, template)
    await plugin.validate(asked)
    assert asked.warnings == ['would violate PodSecurity "baseline:v1.30": host namespaces (hostPID=true)']


async def test_a_level_to_warn_of_refuses_nothing() -> None:
    asked = write("CREATE", POD, pod(hostPID=True))
    await PodSecurity(world(warn="baseline")).validate(asked)
    assert len(asked.warnings) == 1


async def test_updates_that_leave_the_images_alone_pass() -> None:
    plugin, running = PodSecurity(world(enforce="baseline")), pod(hostPID=True)
    await plugin.validate(write("UPDATE", POD, {**running, "metadata": {**running["metadata"], "labels": {}}}, running))
    other = pod(hostPID=True, containers=[{"name": "c", "image": "y"}])
    with pytest.raises(Forbidden):
        await plugin.validate(write("UPDATE", POD, other, running))


async def test_labels_that_mean_nothing_are_invalid() -> None:
    labels = {"pod-security.kubernetes.io/enforce": "strict", "pod-security.kubernetes.io/warn-version": "1.36"}
    with pytest.raises(Invalid) as caught:
        await PodSecurity(world()).validate(write("CREATE", NAMESPACE, {"metadata": {"name": "x", "labels": labels}}))
    assert caught.value.message == (
        'Namespace "x" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": '
        "must be one of privileged, baseline, restricted, "
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.36": must be "latest" or "v1.x"]'
    )


async def test_a_stricter_level_tells_of_the_pods_that_are_there() -> None:
    lister = world()
    for name in ("b", "a", "c"):
        lister.put(PODS, {**pod(hostPID=True), "metadata": {"name": name, "namespace": "x"}})
    new = {"metadata": {"name": "x", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    asked = write("UPDATE", NAMESPACE, new, {"metadata": {"name": "x"}})
    await PodSecurity(lister).validate(asked)
    assert asked.warnings == [
        'existing pods in namespace "x" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 2 other pods): host namespaces",
    ]
