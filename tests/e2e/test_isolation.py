"""Namespaces, users, capabilities, profiles and kernel settings: what a pod is kept from, and what it shares."""

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.manifests import FOREVER, manifest, shell

SHOW = "id; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; cat /proc/self/oom_score_adj; "
NO_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}
SYSCTLS = {
    "net.ipv4.ip_local_port_range": "40000\t40100",
    "kernel.shm_rmid_forced": "1",
    "net.ipv4.tcp_rmem": "4096 5 6",
}
GUARANTEED = {"limits": {"cpu": "20m", "memory": "32Mi"}}


def once(name: str, script: str, **spec: Any) -> str:
    """A pod that says something and ends."""
    return manifest(name, [shell(script)], restartPolicy="Never", **spec)


def tells(script: str, name: str, **context: Any) -> dict[str, Any]:
    return shell(script, name, securityContext=context)


def _manifests() -> list[str]:
    pod_context = {"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 5000, "supplementalGroups": [4000]}
    members = [
        tells(SHOW, "plain"),
        tells(
            SHOW + "touch /new 2>&1; true",
            "own",
            runAsUser=2000,
            allowPrivilegeEscalation=False,
            readOnlyRootFilesystem=True,
            seccompProfile={"type": "RuntimeDefault"},
        ),
        tells(SHOW, "root", runAsUser=0, capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        tells("mkdir /tmp/x 2>&1; true", "profile", runAsUser=0, seccompProfile=localhost("p/no-mkdir.json")),
    ]
    host = "for each in net pid ipc; do readlink /proc/self/ns/$each; done; hostname"
    settings = "; ".join(f"cat /proc/sys/{name.replace('.', '/')}" for name in [*SYSCTLS, "net.ipv4.ping_group_range"])
    shared = "(sleep 0.1 &) ; (sleep 0.1 &) ; " + FOREVER
    return [
        manifest("users", members, restartPolicy="Never", securityContext=pod_context),
        once("host", host, hostNetwork=True, hostPID=True, hostIPC=True),
        once("apart", host),
        once("settings", settings, securityContext={"sysctls": sysctls(SYSCTLS)}),
        manifest("shared", [shell(shared, "one"), shell(FOREVER, "two")], shareProcessNamespace=True),
        manifest("exact", [shell("cat /proc/self/oom_score_adj", resources=GUARANTEED)], restartPolicy="Never"),
        # refused, each in its own words
        once("unsafe", "true", securityContext={"sysctls": sysctls({"kernel.msgmax": "1"})}),
        once("armored", "true", securityContext={"appArmorProfile": {"type": "RuntimeDefault"}}),
        once("windows", "true", os={"name": "windows"}),
        once("no-root", "true", securityContext={"runAsNonRoot": True}),
        once("no-profile", "true", securityContext={"seccompProfile": localhost("p/missing.json")}),
        once("no-users", "true", hostUsers=False),
        once("no-handler", "true", runtimeClassName="test-nope"),
        once("handler", "true", runtimeClassName="test-runc"),
    ]


def localhost(name: str) -> dict[str, str]:
    return {"type": "Localhost", "localhostProfile": name}


def sysctls(settings: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value.replace("\t", " ")} for name, value in settings.items()]


@pytest.fixture(scope="module")
def isolated(cluster: Cluster) -> Iterator[Pods]:
    """All pods of this module at once."""
    name = "test-isolation"
    folder = cluster.state.kubelet("n1") / "seccomp" / "p"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "no-mkdir.json").write_text(json.dumps(NO_MKDIR))
    for handler in ("nope", "runc"):
        body = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": f"test-{handler}"}}
        cluster.kubectl("create", "-f", "-", input=json.dumps({**body, "handler": handler}))
    cluster.kubectl("create", "namespace", name)
    pods = Pods(cluster.kubectl, name, eventually)
    try:
        eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
        items = [json.loads(each) for each in _manifests()]
        pods.create(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        yield pods
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)
        cluster.kubectl("delete", "runtimeclass", "test-nope", "test-runc", check=False)


def said(pods: Pods, name: str, member: str = "app") -> list[str]:
    pods.until(name, lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"))
    return pods("logs", name, "-c", member).stdout.splitlines()


def waits(pods: Pods, name: str, reason: str) -> str:
    """Its message."""
    pods.until(name, lambda pod: waiting(pod).get("reason") == reason)
    return str(waiting(pods.get(name)).get("message"))


def waiting(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = container(pod).get("state", {}).get("waiting") or {}
    return found


def test_users_and_groups_are_the_pods_and_the_containers_own_win(isolated: Pods) -> None:
    assert said(isolated, "users", "plain")[0] == "uid=1000 gid=3000 groups=3000,4000,5000"
    assert said(isolated, "users", "own")[0] == "uid=2000 gid=3000 groups=3000,4000,5000"
    assert said(isolated, "users", "root")[0].startswith("uid=0(root) gid=3000")


def test_capabilities_privileges_and_seccomp_are_as_the_context_says(isolated: Pods) -> None:
    plain, own, root = (said(isolated, "users", each)[1:4] for each in ("plain", "own", "root"))
    assert [line.split()[1] for line in plain] == ["0000000000000000", "0", "0"]
    assert [line.split()[1] for line in own] == ["0000000000000000", "1", "2"]
    assert root[0].split()[1] == "0000000000001000", "CAP_NET_ADMIN alone"


def test_a_read_only_root_takes_no_file(isolated: Pods) -> None:
    assert "Read-only file system" in said(isolated, "users", "own")[-1]


def test_a_seccomp_profile_of_the_node_is_enforced_and_a_missing_one_keeps_the_container_from_starting(
    isolated: Pods,
) -> None:
    assert "Operation not permitted" in said(isolated, "users", "profile")[0]
    message = waits(isolated, "no-profile", "CreateContainerError")
    assert message.startswith("cannot load seccomp profile") and "missing.json: no such file or directory" in message


def test_a_pod_in_the_hosts_namespaces_is_there_and_another_is_not(isolated: Pods) -> None:
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "pid", "ipc")]
    assert said(isolated, "host") == [*own, socket.gethostname()]
    assert not set(own) & set(said(isolated, "apart"))
    status = isolated.get("host")["status"]
    assert status["podIP"] == status["hostIP"]


def test_safe_settings_are_the_pods_own(isolated: Pods) -> None:
    found = [line.split() for line in said(isolated, "settings")]
    assert found[:3] == [value.split() for value in SYSCTLS.values()]
    assert found[3] == ["0", "2147483647"], "as container runtimes give it to every pod"


def test_members_of_a_shared_process_namespace_see_each_other_and_the_pause_reaps(isolated: Pods) -> None:
    isolated.running("shared")

    def processes() -> list[list[str]]:
        """[pid, state, command] of each."""
        shown = isolated.exec("shared", "ps", "-o", "pid,stat,args", container="two").stdout
        return [line.split(maxsplit=2) for line in shown.splitlines()[1:]]

    eventually(lambda: not any(state.startswith("Z") or args == "sleep 0.1" for _, state, args in processes()))
    assert [args.split()[0] for pid, _, args in processes() if pid == "1"] == ["/pause"]
    assert len([args for _, _, args in processes() if args.startswith("sh -c")]) == 2


def test_the_oom_score_is_by_quality_of_service(isolated: Pods) -> None:
    assert said(isolated, "users", "plain")[4] == "1000"
    lowest = -997 if can_lower_scores() else 0
    assert said(isolated, "exact") == [str(lowest)]


def can_lower_scores() -> bool:
    with open("/proc/self/status") as status:
        bounding = next(line.split()[1] for line in status if line.startswith("CapBnd:"))
    return bool(int(bounding, 16) >> 24 & 1)


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("unsafe", "SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        ("windows", "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
        ("armored", "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
    ],
)
def test_what_the_node_cannot_give_is_refused_at_once(isolated: Pods, name: str, reason: str, message: str) -> None:
    if name == "armored" and os.path.exists("/sys/kernel/security/apparmor"):
        assert said(isolated, name) == []
        return
    isolated.until_status(name, reason)
    status = isolated.get(name)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason)
    assert status["message"] == f"Pod was rejected: {message}"
    eventually(lambda: (reason, message) in isolated.events(name))


def test_an_image_that_runs_as_root_is_refused_where_the_pod_says_so(isolated: Pods) -> None:
    message = waits(isolated, "no-root", "CreateContainerConfigError")
    uid = isolated.get("no-root")["metadata"]["uid"]
    where = f'(pod: "no-root_{isolated.namespace}({uid})", container: app)'
    assert message == f"container has runAsNonRoot and image will run as root {where}"


def test_users_of_its_own_are_refused(isolated: Pods) -> None:
    message = 'Failed to create pod sandbox: RuntimeClass handler "" does not support user namespaces'
    eventually(lambda: ("FailedCreatePodSandBox", message) in isolated.events("no-users"))


def test_a_runtime_class_names_a_runtime_of_the_engine(isolated: Pods) -> None:
    assert said(isolated, "handler") == []
    events = [message for reason, message in isolated.events("no-handler") if reason == "FailedCreatePodSandBox"]
    assert events and events[0].endswith('failed to get sandbox runtime: no runtime for "nope" is configured')
    shown = isolated("get", "runtimeclass", "test-nope", "--no-headers").stdout.split()
    assert shown[:2] == ["test-nope", "nope"]
