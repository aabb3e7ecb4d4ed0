"""What the engine says of containers and of itself, in our words. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kubelet.cgroups.limits import Limits
from kubelet.docker.facts import security_names
from kubelet.docker.mounts import supports_recursive_read_only
from kubelet.docker.spec import (
    ATTEMPT,
    CONTAINER_NAME,
    CPU_PERIOD_MICROSECONDS,
    FALLBACK,
    IMAGE,
    PAUSE,
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    SANDBOX,
    SPEC_HASH,
)
from kubelet.runtime import ContainerSeen, Engine, PodRef, State

START_ERROR = 128  # the exit code that Kubernetes shows for what never started

Json = dict[str, Any]


def labels_of(inspected: Mapping[str, Any]) -> Mapping[str, str]:
    return inspected["Config"]["Labels"] or {}


def is_pause(inspected: Mapping[str, Any]) -> bool:
    return labels_of(inspected)[CONTAINER_NAME] == PAUSE


def by_uid(inspected: Sequence[Json]) -> Mapping[str, list[Json]]:
    """Containers by the uid of their pod."""
    pods: dict[str, list[Json]] = {}
    for each in inspected:
        pods.setdefault(labels_of(each)[POD_UID], []).append(each)
    return pods


def ref_of(labels: Mapping[str, str]) -> PodRef:
    return PodRef(labels.get(POD_UID, ""), labels.get(POD_NAMESPACE, ""), labels.get(POD_NAME, ""))


def container_seen(inspected: Mapping[str, Any], image_id: str, termination_message: str) -> ContainerSeen:
    """What the engine could not start stays CREATED, with its reason and the exit code that Kubernetes shows."""
    labels, state = labels_of(inspected), inspected["State"]
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
        limits=_limits(inspected["HostConfig"]),
    )


def _limits(host: Mapping[str, Any]) -> Limits:
    return Limits(
        cpu_shares=host.get("CpuShares") or 0,
        cpu_quota_milli=max(0, host.get("CpuQuota") or 0) * 1000 // (host.get("CpuPeriod") or CPU_PERIOD_MICROSECONDS),
        memory_bytes=max(0, host.get("Memory") or 0),
    )


def falls_back_to_logs(inspected: Mapping[str, Any]) -> bool:
    """Whether the end of the log stands in for a termination message: after a failure, where the pod says so."""
    state = inspected["State"]
    ended_badly = STATES[state["Status"]] is State.EXITED and state["ExitCode"] != 0
    return ended_badly and labels_of(inspected).get(FALLBACK) == "true"


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
        security=security_names(info.get("SecurityOptions") or ()),
        runtimes=frozenset(info.get("Runtimes") or {"runc"}),
        root=info.get("DockerRootDir") or "",
        recursive_read_only=supports_recursive_read_only(info["ServerVersion"], info["KernelVersion"]),
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
