"""What podling says to the engine, as plain data. Pure. What the engine says back is read by `docker_seen`.

Names are those of Kubernetes' old Docker shim, so that other tools know them: k8s_POD_<pod>_<namespace>_<uid>_<attempt>
for the pause, k8s_<container>_… for a member. Everything that the kubelet must know after a restart is in the labels.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kubelet.cgroups.limits import Limits
from kubelet.docker.facts import EngineFacts
from kubelet.docker.security import security_config, userns_mode
from kubelet.logs.rotation import DEFAULT, LogRotation, log_config
from kubelet.runtime import ContainerWanted, PodRef, SandboxWanted
from podling.api.host_ports import ANY, HostPort

CLUSTER, NODE = "podling.cluster", "podling.node"
POD_NAMESPACE, POD_NAME, POD_UID = "io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
ATTEMPT, SPEC_HASH, IMAGE, SANDBOX = "podling.attempt", "podling.spec-hash", "podling.image", "podling.sandbox"
IP, HOST_NETWORK, SHARED_PID, INIT = "podling.ip", "podling.host-network", "podling.shared-pid", "podling.init"
FALLBACK, PORTS = "podling.fallback-to-logs", "podling.host-ports"
PAUSE = "POD"
CPU_PERIOD_MICROSECONDS = 100_000
FALLBACK_LINES, FALLBACK_BYTES = 80, 2048  # of the log, in place of a termination message
PAUSE_CPU_SHARES, PAUSE_OOM_SCORE = 2, -998

Json = dict[str, Any]


def owner_labels(cluster: str, node: str) -> dict[str, str]:
    return {CLUSTER: cluster, NODE: node}


def label_filter(labels: Mapping[str, str]) -> dict[str, list[str]]:
    return {"label": [f"{key}={value}" for key, value in labels.items()]}


def container_name(ref: PodRef, name: str, attempt: int) -> str:
    return f"k8s_{name}_{ref.name}_{ref.namespace}_{ref.uid}_{attempt}"


def pod_labels(ref: PodRef, name: str, attempt: int) -> dict[str, str]:
    return {
        POD_NAMESPACE: ref.namespace,
        POD_NAME: ref.name,
        POD_UID: ref.uid,
        CONTAINER_NAME: name,
        ATTEMPT: str(attempt),
    }


def pause_config(
    wanted: SandboxWanted,
    owner: Mapping[str, str],
    *,
    image: str,
    mode: str,
    ip: str,
    binds: Sequence[str],
    facts: EngineFacts,
    cgroup_parent: str = "",
) -> Json:
    """`mode` is how the network connects the pod: "host" (the pause leaves it), "none", or a Docker network's name."""
    unshare = mode == "host" and not wanted.host_network
    of_network = network_sysctls(wanted)
    host: Json = {
        "NetworkMode": mode,
        "IpcMode": "host" if wanted.host_ipc else "shareable",
        "PidMode": "host" if wanted.host_pid else "",
        "UsernsMode": userns_mode(facts),
        "Runtime": wanted.runtime,
        "Binds": list(binds),
        "CapDrop": ["ALL"],
        "CapAdd": ["SYS_ADMIN"] if unshare else [],
        "SecurityOpt": ["seccomp=unconfined"],
        "ReadonlyRootfs": True,
        "Sysctls": {k: v for k, v in wanted.sysctls.items() if mode != "host" or k not in of_network},
        "CgroupParent": cgroup_parent,
        "CpuShares": PAUSE_CPU_SHARES,
        "OomScoreAdj": max(PAUSE_OOM_SCORE, facts.lowest_oom_score),
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
    }
    config: Json = {
        "Image": image,
        "Hostname": wanted.hostname,
        "Cmd": ["unshare"] if unshare else [],
        "Labels": {
            **wanted.labels,
            **owner,
            **pod_labels(wanted.ref, PAUSE, wanted.attempt),
            IP: ip,
            HOST_NETWORK: str(wanted.host_network).lower(),
            SHARED_PID: str(wanted.share_process_namespace).lower(),
            PORTS: json.dumps(wanted.ports) if wanted.ports else "",
        },
        "HostConfig": host,
    }
    if ip and mode not in ("host", "none"):
        config["ExposedPorts"] = {_port_key(port): {} for port in wanted.ports}
        host["PortBindings"] = port_bindings(wanted.ports)
        config["NetworkingConfig"] = {"EndpointsConfig": {mode: {"IPAMConfig": {"IPv4Address": ip}}}}
    return config


def port_bindings(ports: Sequence[HostPort]) -> Json:
    """For a network on which the engine itself publishes ports."""
    bindings: Json = {}
    for port in ports:
        address = "" if port.ip == ANY else port.ip
        bindings.setdefault(_port_key(port), []).append({"HostIp": address, "HostPort": str(port.port)})
    return bindings


def _port_key(port: HostPort) -> str:
    return f"{port.container_port}/{port.protocol.lower()}"


def ports_of(labels: Mapping[str, str]) -> Sequence[HostPort]:
    """Of a pause."""
    return [HostPort(*each) for each in json.loads(labels.get(PORTS) or "[]")]


def network_sysctls(wanted: SandboxWanted) -> dict[str, str]:
    """Those of the network namespace, which the engine refuses to set with mode "host"."""
    return {key: value for key, value in wanted.sysctls.items() if key.startswith("net.")}


def member_config(
    wanted: ContainerWanted,
    owner: Mapping[str, str],
    pause: Mapping[str, Any],
    *,
    binds: Sequence[str],
    facts: EngineFacts,
    seccomp: str = "",
    logs: LogRotation = DEFAULT,
) -> Json:
    """`pause` is the sandbox as inspected: a member joins its namespaces, or the host's where the sandbox does.
    `seccomp` is the text of a profile that the node keeps."""
    sandbox, pause_host = pause["Id"], pause["HostConfig"]
    join = f"container:{sandbox}"
    shared_pid = pause["Config"]["Labels"].get(SHARED_PID) == "true"
    host: Json = {
        "NetworkMode": join,
        "IpcMode": "host" if pause_host["IpcMode"] == "host" else join,
        "PidMode": _pid_mode(wanted, pause_host["PidMode"], join if shared_pid else ""),
        "Binds": list(binds),
        "Runtime": pause_host.get("Runtime") or "",
        **security_config(wanted.security, facts, seccomp),
        "CgroupParent": pause_host.get("CgroupParent") or "",
        **limits_config(wanted.limits),
        "OomScoreAdj": max(wanted.oom_score_adjust, facts.lowest_oom_score),
        "LogConfig": log_config(logs),
        "RestartPolicy": {"Name": "no"},
    }
    config: Json = {
        "Image": wanted.image,
        "Env": [f"{key}={value}" for key, value in wanted.environment.items()],
        "User": wanted.security.user,
        "WorkingDir": wanted.working_dir,
        "OpenStdin": wanted.stdin,
        "StdinOnce": wanted.stdin_once,
        "Tty": wanted.tty,
        "Healthcheck": {"Test": ["NONE"]},  # the pod's probes decide, not the image
        "Labels": {
            **owner,
            **pod_labels(wanted.ref, wanted.name, wanted.attempt),
            SPEC_HASH: wanted.spec_hash,
            IMAGE: wanted.image,
            SANDBOX: sandbox,
            INIT: str(wanted.init).lower(),
            FALLBACK: str(wanted.fallback_to_logs).lower(),
        },
        "HostConfig": host,
    }
    if wanted.command:
        config["Entrypoint"] = list(wanted.command)
    if wanted.args:
        config["Cmd"] = list(wanted.args)
    if wanted.stop_signal:
        config["StopSignal"] = wanted.stop_signal
    return config


def _pid_mode(wanted: ContainerWanted, of_sandbox: str, shared: str) -> str:
    """The host's, the pod's, of a member that is looked into, or its own."""
    if of_sandbox == "host" or shared:
        return "host" if of_sandbox == "host" else shared
    return f"container:{wanted.processes_of}" if wanted.processes_of else ""


def limits_config(limits: Limits) -> Json:
    """As HostConfig has it, and as the engine's update takes it. Memory and swap together are no more than memory
    alone: no swap."""
    return {
        "CpuShares": limits.cpu_shares,
        "CpuPeriod": CPU_PERIOD_MICROSECONDS if limits.cpu_quota_milli else 0,
        "CpuQuota": limits.cpu_quota_milli * CPU_PERIOD_MICROSECONDS // 1000,
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
    }


def bind(source: str, target: str, read_only: bool = False, propagation: str = "") -> str:
    options = ["ro"] if read_only else []
    options += [propagation] if propagation and propagation != "rprivate" else []
    return ":".join([source, target, *([",".join(options)] if options else [])])
