"""The real runtime: pods as containers of the Docker engine. `kubelet.runtime` says what each verb promises.

    docker_spec      what is said to the engine, as data          docker_images    names, pulls, the pause image
    docker_engine    the connection and its threads               docker_events    which pods changed
    pod_files        hosts, resolv.conf, termination messages     network/         addresses and devices

A sandbox is made in this order: address, files, pause container, start, devices. A kubelet killed in between leaves a
pause that is not `ready`; its labels name everything that belongs to it, so that `remove_sandbox` takes all away.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException, NotFound

from kubelet import docker_network
from kubelet import docker_spec as spec
from kubelet.docker_engine import DockerEngine, EngineRefused, absent_is_none, lowest_oom_score
from kubelet.docker_events import changed_pods
from kubelet.docker_images import Images
from kubelet.docker_stream import open_stream
from kubelet.network.addresses import Addresses, AddressesExhausted
from kubelet.network.network import NetworkError, NetworkSpec, PodNetwork
from kubelet.pause.image import UNSHARE_REFUSED, NoPause
from kubelet.pod_files import PodFiles
from kubelet.runtime import (
    ContainerError,
    ContainerSeen,
    ContainerWanted,
    Engine,
    ImageSeen,
    PodSeen,
    RuntimeUnavailable,
    SandboxSeen,
    SandboxWanted,
    State,
)

log = logging.getLogger(__name__)
KILLED_SECONDS = 30.0  # within which a process is gone after SIGKILL
Json = dict[str, Any]


class DockerRuntime:
    """`network` and `connection` are for tests; otherwise the network is chosen when the engine first answers. There is
    no start: each verb sees to it."""

    def __init__(
        self,
        network_spec: NetworkSpec,
        state_dir: Path,
        network: PodNetwork | None = None,
        connection: DockerEngine | None = None,
    ) -> None:
        self.connection = connection or DockerEngine()
        self.owner = spec.owner_labels(network_spec.cluster, network_spec.node)
        self._spec, self._network = network_spec, network
        self._addresses = Addresses(network_spec.node_range)
        self._files = PodFiles(state_dir)
        self._images = Images(self.connection)
        self._lowest_oom = 0
        self._prepared = False
        self._preparing = asyncio.Lock()

    # -- the node -----------------------------------------------------------------------------------------------------

    async def node_ip(self) -> str:
        """The node's InternalIP, on a device from now on."""
        return (await self._prepare()).node_ip

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
        self._lowest_oom = lowest_oom_score(self.connection.client().info())
        pauses = [c for c in self._inspect_all({}) if _labels(c)[spec.CONTAINER_NAME] == spec.PAUSE]
        self._addresses.observe((), (_labels(pause)[spec.IP] for pause in pauses if _labels(pause).get(spec.IP)))
        for pause in pauses:
            ip, pid = _labels(pause).get(spec.IP, ""), pause["State"]["Pid"]
            if ip and pid and network.attached(ip, pid):
                with suppress(NetworkError):  # it is then seen as not ready
                    network.attach(ip, pid, {})
        for ip in network.prune(self._addresses.taken):
            log.info("network removed of a dead sandbox ip=%s", ip)
        return network

    async def engine(self) -> Engine:
        return await self.connection.call(self._engine)

    def _engine(self) -> Engine:
        client = self.connection.client()
        info = client.info()
        return spec.engine_seen(info, client.images(), _disk_bytes(info["DockerRootDir"]))

    # -- what is there ------------------------------------------------------------------------------------------------

    async def pods(self) -> Mapping[str, PodSeen]:
        network = await self._prepare()
        return await self.connection.call(self._pods, network)

    def _pods(self, network: PodNetwork) -> Mapping[str, PodSeen]:
        before = self._addresses.settled()
        every = self._inspect_all({})
        self._addresses.observe(before, (ip for ip in (_labels(c).get(spec.IP) for c in every) if ip))
        network.prune(self._addresses.taken)
        return {uid: self._pod_seen(network, pod) for uid, pod in _by_uid(every).items()}

    async def pod(self, uid: str) -> PodSeen | None:
        network = await self._prepare()
        return (await self.connection.call(self._some_pods, network, {spec.POD_UID: uid})).get(uid)

    async def pods_named(self, namespace: str, name: str) -> Mapping[str, PodSeen]:
        """By uid: one, or while a name is used again its successor too."""
        network = await self._prepare()
        return await self.connection.call(
            self._some_pods, network, {spec.POD_NAMESPACE: namespace, spec.POD_NAME: name}
        )

    def _some_pods(self, network: PodNetwork, labels: Mapping[str, str]) -> Mapping[str, PodSeen]:
        by_uid = _by_uid(self._inspect_all(labels))
        return {uid: self._pod_seen(network, pod) for uid, pod in by_uid.items()}

    def _inspect_all(self, labels: Mapping[str, str]) -> list[Json]:
        """A listing tells no exit code: each is inspected; what vanishes meanwhile is left out."""
        client = self.connection.client()
        listed = client.containers(all=True, filters=spec.label_filter({**self.owner, **labels}))
        inspected = (absent_is_none(client.inspect_container, each["Id"]) for each in listed)
        return [each for each in inspected if each]

    def _pod_seen(self, network: PodNetwork, inspected: Sequence[Json]) -> PodSeen:
        pauses = [each for each in inspected if _labels(each)[spec.CONTAINER_NAME] == spec.PAUSE]
        members = [each for each in inspected if each not in pauses]
        sandboxes = [self._sandbox_seen(network, pause) for pause in pauses]
        containers = [self._container_seen(member) for member in members]
        return PodSeen(
            ref=spec.ref_of(_labels(inspected[0])),
            sandboxes=sorted(sandboxes, key=lambda seen: -seen.attempt),
            containers=sorted(containers, key=lambda seen: -seen.attempt),
        )

    def _sandbox_seen(self, network: PodNetwork, pause: Json) -> SandboxSeen:
        labels, pid = _labels(pause), pause["State"]["Pid"] if pause["State"]["Running"] else 0
        in_host = labels.get(spec.HOST_NETWORK) == "true"
        ip = network.node_ip if in_host else labels.get(spec.IP, "")
        ready = bool(pid) and (in_host or network.attached(ip, pid))
        created = spec.timestamp(pause["Created"])
        return SandboxSeen(pause["Id"], int(labels[spec.ATTEMPT]), ready, ip, created)

    def _container_seen(self, member: Json) -> ContainerSeen:
        labels, ended = _labels(member), not member["State"]["Running"]
        key = (labels[spec.POD_UID], labels[spec.CONTAINER_NAME], int(labels[spec.ATTEMPT]))
        message = self._files.termination_message(*key) if ended else ""
        if ended and not message and spec.falls_back_to_logs(member):
            tail = self.connection.client().logs(member["Id"], tail=spec.FALLBACK_LINES)
            message = self._files.keep_termination_message(*key, tail[-spec.FALLBACK_BYTES :])
        return spec.container_seen(member, self._images.shown_id(member["Image"]), message)

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
                return await self.connection.call(self._start_sandbox, network, wanted)
        except (EngineRefused, NetworkError, AddressesExhausted, NoPause, OSError) as error:
            raise ContainerError("CreatePodSandboxError", f"failed to create pod sandbox: {error}") from error

    def _start_sandbox(self, network: PodNetwork, wanted: SandboxWanted) -> SandboxSeen:
        name = spec.container_name(wanted.ref, spec.PAUSE, wanted.attempt)
        existing = absent_is_none(self.connection.client().inspect_container, name)
        if existing:
            seen = self._sandbox_seen(network, existing)
            if seen.ready:
                return seen
            self._remove_sandbox(network, wanted.ref.uid, existing["Id"])
        ip = "" if wanted.host_network else self._addresses.allocate()
        try:
            return self._make_sandbox(network, wanted, name, ip)
        except BaseException:
            with suppress(DockerException, OSError, NetworkError):  # else it is found by its labels later
                self._remove_sandbox(network, wanted.ref.uid, name)
            self._files.remove_sandbox(wanted.ref.uid, wanted.attempt)
            raise
        finally:
            self._addresses.settle(ip)

    def _make_sandbox(self, network: PodNetwork, wanted: SandboxWanted, name: str, ip: str) -> SandboxSeen:
        client, image = self.connection.client(), self._images.ensure_pause()
        mode = "host" if wanted.host_network else network.mode
        files = self._files.write_sandbox(wanted, ip or network.node_ip)
        binds = [spec.bind(str(source), target) for target, source in files.items()]
        config = spec.pause_config(
            wanted, self.owner, image=image, mode=mode, ip=ip, binds=binds, lowest_oom=self._lowest_oom
        )
        id = client.create_container_from_config(config, name)["Id"]
        client.start(id)
        pause = client.inspect_container(id)
        if not wanted.host_network:
            try:
                network.attach(ip, pause["State"]["Pid"], spec.network_sysctls(wanted))
            except NetworkError:
                if client.inspect_container(id)["State"]["ExitCode"] == UNSHARE_REFUSED:
                    network.unshare_refused()
                raise
        log.info("sandbox started pod=%s/%s uid=%s ip=%s", wanted.ref.namespace, wanted.ref.name, wanted.ref.uid, ip)
        return SandboxSeen(id, wanted.attempt, True, ip or network.node_ip, spec.timestamp(pause["Created"]))

    async def remove_sandbox(self, uid: str, sandbox_id: str) -> None:
        network = await self._prepare()
        try:
            await self.connection.call(self._remove_sandbox, network, uid, sandbox_id)
        except (EngineRefused, NetworkError, OSError) as error:
            raise ContainerError("KillPodSandboxError", f"failed to remove pod sandbox: {error}") from error

    def _remove_sandbox(self, network: PodNetwork, uid: str, sandbox_id: str) -> None:
        """Members first: none may outlive the sandbox, but what has ended stays for `kubectl logs`. The pause last,
        since its labels tell what else there is."""
        pause = absent_is_none(self.connection.client().inspect_container, sandbox_id)
        if not pause:
            return
        labels = _labels(pause)
        for member in self._inspect_all({spec.POD_UID: uid, spec.SANDBOX: pause["Id"]}):
            seen = self._container_seen(member)
            if seen.state is not State.EXITED and not seen.error:
                self._remove(member)
        if labels.get(spec.IP):
            network.detach(labels[spec.IP])
        self._remove(pause)
        self._files.remove_sandbox(uid, int(labels[spec.ATTEMPT]))
        self._addresses.release(labels.get(spec.IP, ""))
        log.info("sandbox removed pod=%s/%s uid=%s", labels[spec.POD_NAMESPACE], labels[spec.POD_NAME], uid)

    # -- members ------------------------------------------------------------------------------------------------------

    async def start_container(self, sandbox_id: str, wanted: ContainerWanted) -> str:
        try:
            async with self.connection.starts:
                id = await self.connection.call(self._create_container, sandbox_id, wanted)
                try:
                    await self.connection.call(self._start_container, id)
                except EngineRefused as error:
                    raise ContainerError("RunContainerError", spec.engine_error(error.message)) from error
        except (EngineRefused, OSError) as error:
            raise ContainerError("CreateContainerError", str(error)) from error
        log.info("container started pod=%s/%s container=%s id=%.12s", *wanted.ref[1:], wanted.name, id)
        return id

    def _create_container(self, sandbox_id: str, wanted: ContainerWanted) -> str:
        client = self.connection.client()
        pause = absent_is_none(client.inspect_container, sandbox_id)
        if not pause or not pause["State"]["Running"]:
            raise ContainerError("CreateContainerError", "the pod's sandbox is not running")
        name = spec.container_name(wanted.ref, wanted.name, wanted.attempt)
        existing = absent_is_none(client.inspect_container, name)
        if existing and _labels(existing).get(spec.SANDBOX) == pause["Id"]:
            return str(existing["Id"])
        if existing:
            self._remove(existing)
        uid = wanted.ref.uid
        binds = [spec.bind(m.source, m.target, m.read_only, m.propagation) for m in wanted.mounts]
        message = wanted.termination_message_path
        if message and all(mount.target != message for mount in wanted.mounts):
            file = self._files.write_termination_message_file(uid, wanted.name, wanted.attempt)
            binds.append(spec.bind(str(file), message))
        profile = Path(wanted.seccomp)
        if profile.is_absolute():
            wanted = replace(wanted, seccomp=profile.read_text())
        config = spec.member_config(wanted, self.owner, pause, binds, self._lowest_oom)
        return str(client.create_container_from_config(config, name)["Id"])

    def _start_container(self, id: str) -> None:
        """Only what never ran: an instance runs once. One that could not be started says so again."""
        client = self.connection.client()
        state = client.inspect_container(id)["State"]
        if state["Status"] == "created" and state["Error"]:
            raise ContainerError("RunContainerError", spec.engine_error(state["Error"]))
        if state["Status"] == "created":
            client.start(id)

    async def stop_container(self, id: str, grace_seconds: int) -> None:
        try:
            wait = await open_stream(
                await self.connection.address(), "POST", f"/containers/{id}/wait", {"condition": "not-running"}
            )
            async with wait:
                ended = asyncio.ensure_future(wait.body())
                for signal, seconds in (("", float(grace_seconds)), ("SIGKILL", KILLED_SECONDS)):
                    if seconds > 0:
                        await self.connection.call(self._kill, id, signal)
                        done, _ = await asyncio.wait({ended}, timeout=seconds)
                        if done and not ended.result():
                            raise RuntimeUnavailable("the Docker engine went away while a container was stopped")
                        if done:
                            return
                ended.cancel()
            raise ContainerError("KillContainerError", f"container {id:.12} runs on after SIGKILL")
        except EngineRefused as error:
            if error.status != 404:
                raise ContainerError("KillContainerError", error.message) from error

    def _kill(self, id: str, signal: str) -> None:
        """ "" is the container's own stop signal. 409: it is not running."""
        client = self.connection.client()
        try:
            client.kill(id, signal or client.inspect_container(id)["Config"].get("StopSignal") or "SIGTERM")
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    async def remove_container(self, id: str) -> None:
        try:
            await self.connection.call(self._remove_id, id)
        except EngineRefused as error:
            raise ContainerError("RemoveContainerError", error.message) from error

    def _remove_id(self, id: str) -> None:
        inspected = absent_is_none(self.connection.client().inspect_container, id)
        if inspected:
            self._remove(inspected)

    def _remove(self, inspected: Json) -> None:
        """With its anonymous volumes and its termination message. 409: somebody is removing it already."""
        try:
            self.connection.client().remove_container(inspected["Id"], force=True, v=True)
        except NotFound:
            pass
        except APIError as error:
            if error.status_code != 409:
                raise
        labels = _labels(inspected)
        if labels[spec.CONTAINER_NAME] != spec.PAUSE:
            key = (labels[spec.POD_UID], labels[spec.CONTAINER_NAME], int(labels[spec.ATTEMPT]))
            self._files.remove_termination_message(*key)

    # -- images -------------------------------------------------------------------------------------------------------

    async def image(self, name: str) -> ImageSeen | None:
        return await self._images.image(name)

    async def pull(self, name: str, credentials: Sequence[Mapping[str, str]] = ()) -> ImageSeen:
        """Each of `credentials` has Docker's keys: username, password (or auth), serveraddress."""
        return await self._images.pull(name, credentials)

    async def close(self) -> None:
        self.connection.close()


def _labels(inspected: Json) -> Mapping[str, str]:
    return inspected["Config"]["Labels"] or {}


def _by_uid(inspected: Sequence[Json]) -> Mapping[str, list[Json]]:
    pods: dict[str, list[Json]] = {}
    for each in inspected:
        pods.setdefault(_labels(each)[spec.POD_UID], []).append(each)
    return pods


def _disk_bytes(folder: str) -> int:
    """Of the file system with the engine's data; 0 where it is on another machine."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_frsize * disk.f_blocks
