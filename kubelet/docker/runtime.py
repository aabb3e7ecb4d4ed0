"""The real runtime: pods as containers of the Docker engine. `kubelet.runtime` says what each verb promises.

    docker_spec        what is said to the engine          docker_sandboxes   the pause, its address and network
    docker_seen        what the engine says, read          docker_members     the containers of a pod
    docker_engine      the connection and its threads      docker_images      names, pulls, the pause image
    docker_facts       what the engine can do              docker_events      which pods changed
    docker_listing     what is there, by labels            pod_files          hosts, resolv.conf, last messages

This file is the verbs: each goes to a thread and comes back with an answer, or with the error that the verb promises.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from kubelet.cgroups import cgroups
from kubelet.cgroups.huge_pages import huge_pages
from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.cgroups.usage import Usage, machine
from kubelet.docker import network as docker_network
from kubelet.docker import spec
from kubelet.docker.engine import DockerEngine, EngineRefused
from kubelet.docker.events import changed_pods
from kubelet.docker.facts import EngineFacts, facts_of
from kubelet.docker.images import Images
from kubelet.docker.listing import Listing
from kubelet.docker.members import Members
from kubelet.docker.pod_files import PodFiles
from kubelet.docker.sandboxes import NoRuntime, Sandboxes
from kubelet.docker.seen import engine_error, engine_seen
from kubelet.docker.usage import Reading, Usages
from kubelet.logs.rotation import DEFAULT, LogRotation
from kubelet.network.addresses import AddressesExhausted
from kubelet.network.network import NetworkError, NetworkSpec, PodNetwork
from kubelet.pause.image import NoPause
from kubelet.runtime import (
    ContainerError,
    ContainerWanted,
    Engine,
    PodSeen,
    RuntimeUnavailable,
    SandboxSeen,
    SandboxWanted,
)
from kubelet.seccomp_profiles import SeccompProfiles

log = logging.getLogger(__name__)


class DockerRuntime:
    """`network` and `connection` are for tests; otherwise the network is chosen when the engine first answers. There is
    no start: each verb sees to it. `reserved_bytes` of the machine's memory are never the pods'."""

    def __init__(
        self,
        network_spec: NetworkSpec,
        state_dir: Path,
        network: PodNetwork | None = None,
        connection: DockerEngine | None = None,
        logs: LogRotation = DEFAULT,
        *,
        reserved_bytes: int = 0,
    ) -> None:
        self._reserved_bytes = reserved_bytes
        self.connection = connection or DockerEngine()
        self.owner = spec.owner_labels(network_spec.cluster, network_spec.node)
        self._spec, self._network = network_spec, network
        files = PodFiles(state_dir)
        self.images = Images(self.connection)
        self._listing = Listing(self.connection, self.owner, files, self.images)
        self._members = Members(self.connection, self.owner, files, SeccompProfiles(state_dir), logs)
        self._sandboxes = Sandboxes(
            self.connection,
            self.owner,
            files=files,
            images=self.images,
            listing=self._listing,
            members=self._members,
            node_range=network_spec.node_range,
        )
        self._usages = Usages(self.connection, self.owner)
        self._facts = EngineFacts()
        self._prepared = False
        self._preparing = asyncio.Lock()

    # -- the node -----------------------------------------------------------------------------------------------------

    async def node_ip(self) -> str:
        """The node's InternalIP, on a device from now on."""
        return (await self._prepare()).node_ip

    async def facts(self) -> EngineFacts:
        """What the engine can do."""
        await self._prepare()
        return self._facts

    async def _prepare(self) -> PodNetwork:
        """The network; the sandboxes that are there are known and mended. Once, as soon as the engine answers."""
        async with self._preparing:
            if self._network is None or not self._prepared:
                try:
                    self._network = await self.connection.call(self._start_network)
                except (OSError, NetworkError, EngineRefused) as error:
                    raise RuntimeUnavailable(f"the pod network cannot be made: {error}") from error
                self._prepared = True
            return self._network

    def _start_network(self) -> PodNetwork:
        network = self._network or docker_network.choose(self._spec, self.connection)
        network.start()
        client = self.connection.client()
        info = client.info()
        self._facts = facts_of(info, client.api_version, _process_status())
        self._sandboxes.cgroups = found = cgroups.of_engine(info, self._spec.cluster, self._spec.node)
        if found and self._reserved_bytes:
            try:
                found.limit_node(info["MemTotal"] - self._reserved_bytes)
            except OSError as error:
                log.warning("the pods' memory is not limited as a whole error=%s", error)
        self._sandboxes.recover(network)
        return network

    async def engine(self) -> Engine:
        return await self.connection.call(self._engine)

    def _engine(self) -> Engine:
        client = self.connection.client()
        info = client.info()
        disk = _disk_bytes(info["DockerRootDir"])
        found = engine_seen(info, client.images(), disk)
        return found._replace(huge_pages=huge_pages()) if disk else found  # else it is on another machine

    # -- what is there ------------------------------------------------------------------------------------------------

    async def pods(self) -> Mapping[str, PodSeen]:
        network = await self._prepare()
        return await self.connection.call(self._sandboxes.all_pods, network)

    async def pod(self, uid: str) -> PodSeen | None:
        return (await self._some_pods({spec.POD_UID: uid})).get(uid)

    async def _some_pods(self, labels: Mapping[str, str]) -> Mapping[str, PodSeen]:
        network = await self._prepare()
        return await self.connection.call(lambda: self._listing.pods(network, self._listing.inspect(labels)))

    async def usage(self) -> tuple[Usage, Mapping[str, Reading]]:
        """Of the node, and of each container that runs, by its id."""
        return await self.connection.call(lambda: (machine(), self._usages.read()))

    async def changes(self) -> AsyncIterator[str]:
        known = False
        async for uid in changed_pods(self.connection, self.owner):
            if not uid:  # an engine that was away may have made its packet filter anew: ours is seen to again
                self._prepared, known = self._prepared and not known, True
            yield uid

    # -- the sandbox --------------------------------------------------------------------------------------------------

    async def start_sandbox(self, wanted: SandboxWanted) -> SandboxSeen:
        network = await self._prepare()
        try:
            async with self.connection.starts:
                return await self.connection.call(self._sandboxes.start, network, wanted, self._facts)
        except (EngineRefused, NetworkError, AddressesExhausted, NoPause, NoRuntime, OSError) as error:
            raise ContainerError("CreatePodSandboxError", f"failed to create pod sandbox: {error}") from error

    async def remove_sandbox(self, uid: str, sandbox_id: str) -> None:
        network = await self._prepare()
        try:
            await self.connection.call(self._sandboxes.remove, network, uid, sandbox_id)
        except (EngineRefused, NetworkError, OSError) as error:
            raise ContainerError("KillPodSandboxError", f"failed to remove pod sandbox: {error}") from error

    # -- members ------------------------------------------------------------------------------------------------------

    async def start_container(self, sandbox_id: str, wanted: ContainerWanted) -> str:
        await self._prepare()
        try:
            async with self.connection.starts:
                id = await self.connection.call(self._members.create, sandbox_id, wanted, self._facts)
                try:
                    await self.connection.call(self._members.start, id)
                except EngineRefused as error:
                    raise ContainerError("RunContainerError", engine_error(error.message)) from error
        except (EngineRefused, OSError) as error:
            raise ContainerError("CreateContainerError", str(error)) from error
        log.info("container started pod=%s/%s container=%s id=%.12s", *wanted.ref[1:], wanted.name, id)
        return id

    async def stop_container(self, id: str, grace_seconds: int) -> None:
        try:
            await self._members.stop(id, grace_seconds)
        except EngineRefused as error:
            if error.status != 404:
                raise ContainerError("KillContainerError", error.message) from error

    async def limit_container(self, id: str, limits: Limits) -> None:
        try:
            await self.connection.call(self._members.limit, id, limits)
        except EngineRefused as error:
            raise ContainerError("Error", error.message) from error

    async def limit_pod(self, uid: str, limits: PodLimits) -> None:
        try:
            await self.connection.call(self._sandboxes.limit, uid, limits)
        except OSError as error:
            raise ContainerError("Error", f"failed to limit the pod: {error}") from error

    async def remove_container(self, id: str) -> None:
        try:
            await self.connection.call(self._members.remove_id, id)
        except EngineRefused as error:
            raise ContainerError("RemoveContainerError", error.message) from error

    async def close(self) -> None:
        self.connection.close()


def _process_status() -> str:
    try:
        return Path("/proc/self/status").read_text()
    except OSError:
        return ""


def _disk_bytes(folder: str) -> int:
    """Of the file system with the engine's data; 0 where it is on another machine."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_frsize * disk.f_blocks
