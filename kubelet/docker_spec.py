"""What podling says to the engine and what the engine says back, as plain data. Pure.

Names are those of Kubernetes' old Docker shim, so that other tools know them: k8s_POD_<pod>_<namespace>_<uid>_<attempt>
for the pause, k8s_<container>_… for a member. Everything that the kubelet must know after a restart is in the labels.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kubelet.runtime import ContainerSeen, ContainerWanted, Engine, PodRef, SandboxWanted, State

CLUSTER, NODE = "podling.cluster", "podling.node"
POD_NAMESPACE, POD_NAME, POD_UID = "io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
ATTEMPT, SPEC_HASH, IMAGE, SANDBOX = "podling.attempt", "podling.spec-hash", "podling.image", "podling.sandbox"
IP, HOST_NETWORK, SHARED_PID, INIT = "podling.ip", "podling.host-network", "podling.shared-pid", "podling.init"
FALLBACK = "podling.fallback-to-logs"
PAUSE = "POD"
START_ERROR = 128  # the exit code that Kubernetes shows for what never started
CPU_PERIOD_MICROSECONDS = 100_000
LOGS = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
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
    lowest_oom: int,
) -> Json:
    """`mode` is how the network connects the pod: "host" (the pause leaves it), "none", or a Docker network's name."""
    unshare = mode == "host" and not wanted.host_network
    of_network = network_sysctls(wanted)
    host: Json = {
        "NetworkMode": mode,
        "IpcMode": "host" if wanted.host_ipc else "shareable",
        "PidMode": "host" if wanted.host_pid else "",
        "Binds": list(binds),
        "CapDrop": ["ALL"],
        "CapAdd": ["SYS_ADMIN"] if unshare else [],
        "SecurityOpt": ["seccomp=unconfined"],
        "ReadonlyRootfs": True,
        "Sysctls": {k: v for k, v in wanted.sysctls.items() if mode != "host" or k not in of_network},
        "CpuShares": PAUSE_CPU_SHARES,
        "OomScoreAdj": max(PAUSE_OOM_SCORE, lowest_oom),
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
        },
        "HostConfig": host,
    }
    if ip and mode not in ("host", "none"):
        config["NetworkingConfig"] = {"EndpointsConfig": {mode: {"IPAMConfig": {"IPv4Address": ip}}}}
    return config


def network_sysctls(wanted: SandboxWanted) -> dict[str, str]:
    """Those of the network namespace, which the engine refuses to set with mode "host"."""
    return {key: value for key, value in wanted.sysctls.items() if key.startswith("net.")}


def member_config(
    wanted: ContainerWanted, owner: Mapping[str, str], pause: Mapping[str, Any], binds: Sequence[str], lowest_oom: int
) -> Json:
    """`pause` is the sandbox as inspected: a member joins its namespaces, or the host's where the sandbox does."""
    sandbox, pause_host = pause["Id"], pause["HostConfig"]
    join = f"container:{sandbox}"
    shared_pid = pause["Config"]["Labels"].get(SHARED_PID) == "true"
    host: Json = {
        "NetworkMode": join,
        "IpcMode": "host" if pause_host["IpcMode"] == "host" else join,
        "PidMode": "host" if pause_host["PidMode"] == "host" else (join if shared_pid else ""),
        "Binds": list(binds),
        "Privileged": wanted.privileged,
        "ReadonlyRootfs": wanted.read_only_root,
        "CapAdd": list(wanted.add_capabilities),
        "CapDrop": list(wanted.drop_capabilities),
        "GroupAdd": [str(group) for group in wanted.groups],
        "SecurityOpt": security_options(wanted),
        "CpuShares": wanted.cpu_shares,
        "CpuPeriod": CPU_PERIOD_MICROSECONDS if wanted.cpu_quota_milli else 0,
        "CpuQuota": wanted.cpu_quota_milli * CPU_PERIOD_MICROSECONDS // 1000,
        "Memory": wanted.memory_bytes,
        "MemorySwap": wanted.memory_bytes,  # the same: no swap
        "OomScoreAdj": max(wanted.oom_score_adjust, lowest_oom),
        "LogConfig": LOGS,
        "RestartPolicy": {"Name": "no"},
    }
    config: Json = {
        "Image": wanted.image,
        "Env": [f"{key}={value}" for key, value in wanted.environment.items()],
        "User": wanted.user,
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


def security_options(wanted: ContainerWanted) -> list[str]:
    """A seccomp profile from a file is handed over as its text, which `seccomp` then holds already: {…}."""
    options = ["no-new-privileges"] if wanted.no_new_privileges else []
    if wanted.seccomp not in ("", "runtime/default"):
        options.append(f"seccomp={wanted.seccomp}")
    return options


def bind(source: str, target: str, read_only: bool = False, propagation: str = "") -> str:
    options = ["ro"] if read_only else []
    options += [propagation] if propagation and propagation != "rprivate" else []
    return ":".join([source, target, *([",".join(options)] if options else [])])


def ref_of(labels: Mapping[str, str]) -> PodRef:
    return PodRef(labels.get(POD_UID, ""), labels.get(POD_NAMESPACE, ""), labels.get(POD_NAME, ""))


def container_seen(inspected: Mapping[str, Any], image_id: str, termination_message: str) -> ContainerSeen:
    """What the engine could not start stays CREATED, with its reason and the exit code that Kubernetes shows."""
    labels, state = inspected["Config"]["Labels"], inspected["State"]
    created, error = timestamp(inspected["Created"]), engine_error(state.get("Error") or "")
    status = STATES[state["Status"]]
    started, finished = timestamp(state["StartedAt"]), timestamp(state["FinishedAt"])
    if started and finished:
        finished = max(started, finished)  # the engine may note the end of a short run before its beginning
    failed = status is State.CREATED and bool(error)
    return ContainerSeen(
        id=inspected["Id"],
        name=labels[CONTAINER_NAME],
        attempt=int(labels.get(ATTEMPT, "0")),
        state=status,
        image=labels.get(IMAGE, ""),
        image_id=image_id,
        spec_hash=labels.get(SPEC_HASH, ""),
        created_at=created,
        started_at=started,
        finished_at=finished if status is State.EXITED else None,
        exit_code=START_ERROR if failed else state["ExitCode"],
        oom_killed=state["OOMKilled"],
        error=error,
        termination_message=termination_message,
        sandbox_id=labels.get(SANDBOX, ""),
    )


def falls_back_to_logs(inspected: Mapping[str, Any]) -> bool:
    """Whether the end of the log stands in for a termination message: after a failure, where the pod says so."""
    state = inspected["State"]
    ended_badly = STATES[state["Status"]] is State.EXITED and state["ExitCode"] != 0
    return ended_badly and inspected["Config"]["Labels"].get(FALLBACK) == "true"


STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.RUNNING,
    "restarting": State.RUNNING,
    "removing": State.EXITED,
    "exited": State.EXITED,
    "dead": State.EXITED,
}


def engine_seen(info: Mapping[str, Any], images: Sequence[Mapping[str, Any]], disk_bytes: int) -> Engine:
    return Engine(
        version=info["ServerVersion"],
        kernel=info["KernelVersion"],
        os_image=info["OperatingSystem"],
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(info["Architecture"], info["Architecture"]),
        cpus=info["NCPU"],
        memory_bytes=info["MemTotal"],
        disk_bytes=disk_bytes,
        machine_id=info.get("ID") or "",
        images=tuple((_image_names(image), image["Size"]) for image in images),
    )


def _image_names(image: Mapping[str, Any]) -> tuple[str, ...]:
    names = [*(image.get("RepoDigests") or []), *(image.get("RepoTags") or [])]
    return tuple(name for name in names if not name.startswith("<none>"))


def timestamp(text: str) -> datetime | None:
    """RFC 3339 with up to nine decimals; the engine's zero time is None."""
    if not text or text.startswith("0001-"):
        return None
    head, _, rest = text.rstrip("Z").partition(".")
    digits = rest[:6].ljust(6, "0") if rest else "000000"
    return datetime.fromisoformat(f"{head}.{digits}").replace(tzinfo=UTC)


def engine_error(message: str) -> str:
    """The engine's message in the words that containerd uses for the same, as Kubernetes' users know them."""
    text = message.strip()
    if text.startswith("OCI runtime create failed: "):
        text = f"failed to create shim task: {text}"
    return f"failed to create containerd task: {text}" if text.startswith("failed to create shim task: ") else text


def decoded_error(body: str) -> str:
    """The message of an error answer of the engine."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip()
