"""The containers of a pod beside its pause: made, started, signalled, removed."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from docker.errors import APIError, NotFound

from kubelet.cgroups.limits import Limits
from kubelet.cgroups.usage import memory_in_use
from kubelet.docker import spec
from kubelet.docker.accounts import ImageAccounts
from kubelet.docker.engine import DockerEngine, absent_is_none
from kubelet.docker.facts import EngineFacts
from kubelet.docker.mounts import mounts_config
from kubelet.docker.pod_files import PodFiles
from kubelet.docker.seen import engine_error, is_pause, labels_of
from kubelet.docker.stream import open_stream
from kubelet.logs.rotation import DEFAULT, LogRotation
from kubelet.runtime import ContainerError, ContainerWanted, Mount, RuntimeUnavailable
from kubelet.seccomp_profiles import SeccompProfiles

KILLED_SECONDS = 30.0  # within which a process is gone after SIGKILL
Json = dict[str, Any]


class Members:
    """What is not a coroutine blocks. EngineRefused goes up as it is: the runtime says which verb it came from."""

    def __init__(
        self,
        connection: DockerEngine,
        owner: Mapping[str, str],
        files: PodFiles,
        profiles: SeccompProfiles,
        logs: LogRotation = DEFAULT,
    ) -> None:
        self._connection, self._owner, self._files, self._profiles = connection, owner, files, profiles
        self._logs = logs
        self._accounts = ImageAccounts(connection, owner)

    def create(self, sandbox_id: str, wanted: ContainerWanted, facts: EngineFacts) -> str:
        """Its id; one that is there already is adopted."""
        client = self._connection.client()
        pause = absent_is_none(client.inspect_container, sandbox_id)
        if not pause or not pause["State"]["Running"]:
            raise ContainerError("CreateContainerError", "the pod's sandbox is not running")
        name = spec.container_name(wanted.ref, wanted.name, wanted.attempt)
        existing = absent_is_none(client.inspect_container, name)
        if existing and labels_of(existing).get(spec.SANDBOX) == pause["Id"]:
            return str(existing["Id"])
        if existing:
            self.remove(existing)
        seccomp = self._profiles.text(wanted.security.seccomp)
        wanted = replace(wanted, security=self._accounts.resolved(wanted.security, wanted.image))
        mounts = mounts_config(self._mounts(wanted), facts.api_version)
        config = spec.member_config(
            wanted, self._owner, pause, binds=mounts["Binds"], facts=facts, seccomp=seccomp, logs=self._logs
        )
        config["HostConfig"]["Mounts"] = mounts["Mounts"]
        return str(client.create_container_from_config(config, name)["Id"])

    def _mounts(self, wanted: ContainerWanted) -> list[Mount]:
        mounts = list(wanted.mounts)
        message = wanted.termination_message_path
        if message and all(mount.target != message for mount in wanted.mounts):
            file = self._files.write_termination_message_file(wanted.ref.uid, wanted.name, wanted.attempt)
            mounts.append(Mount(str(file), message))
        return mounts

    def start(self, id: str) -> None:
        """Only what never ran: an instance runs once. One that could not be started says so again."""
        client = self._connection.client()
        state = client.inspect_container(id)["State"]
        if state["Status"] == "created" and state["Error"]:
            raise ContainerError("RunContainerError", engine_error(state["Error"]))
        if state["Status"] == "created":
            client.start(id)

    async def stop(self, id: str, grace_seconds: int) -> None:
        """Returns when it has ended."""
        wait = await open_stream(
            await self._connection.address(), "POST", f"/containers/{id}/wait", {"condition": "not-running"}
        )
        async with wait:
            ended = asyncio.ensure_future(wait.body())
            for signal, seconds in (("", float(grace_seconds)), ("SIGKILL", KILLED_SECONDS)):
                if seconds > 0:
                    await self._connection.call(self._kill, id, signal)
                    done, _ = await asyncio.wait({ended}, timeout=seconds)
                    if done and not ended.result():
                        raise RuntimeUnavailable("the Docker engine went away while a container was stopped")
                    if done:
                        return
            ended.cancel()
        raise ContainerError("KillContainerError", f"container {id:.12} runs on after SIGKILL")

    def _kill(self, id: str, signal: str) -> None:
        """ "" is the container's own stop signal. 409: it is not running."""
        client = self._connection.client()
        try:
            client.kill(id, signal or client.inspect_container(id)["Config"].get("StopSignal") or "SIGTERM")
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    def limit(self, id: str, limits: Limits) -> None:
        """From now on; 0 stays as it is."""
        client = self._connection.client()
        inspected = absent_is_none(client.inspect_container, id)
        if not inspected or not inspected["State"]["Running"]:
            return
        most, used = limits.memory_bytes, memory_in_use(inspected["State"]["Pid"], id)
        if 0 < most < used:
            name = labels_of(inspected)[spec.CONTAINER_NAME]
            words = f'attempting to set container "{name}" memory limit ({most}) below current usage ({used})'
            raise ContainerError("Error", f"cannot decrease memory limits: {words}")
        config = spec.limits_config(limits)
        client.update_container(
            id,
            cpu_shares=config["CpuShares"],
            cpu_period=config["CpuPeriod"],
            cpu_quota=config["CpuQuota"],
            mem_limit=config["Memory"],
            memswap_limit=config["MemorySwap"],
        )

    def remove_id(self, id: str) -> None:
        inspected = absent_is_none(self._connection.client().inspect_container, id)
        if inspected:
            self.remove(inspected)

    def remove(self, inspected: Json) -> None:
        """With its anonymous volumes and its termination message. 409: somebody is removing it already."""
        try:
            with suppress(NotFound):
                self._connection.client().remove_container(inspected["Id"], force=True, v=True)
        except APIError as error:
            if error.status_code != 409:
                raise
        if not is_pause(inspected):
            labels = labels_of(inspected)
            key = (labels[spec.POD_UID], labels[spec.CONTAINER_NAME], int(labels[spec.ATTEMPT]))
            self._files.remove_termination_message(*key)
