"""Sandboxes: the pause container, its address, its files and its network.

A sandbox is made in this order: address, files, pause container, start, devices. A kubelet killed in between leaves a
pause that is not `ready`; its labels name everything that belongs to it, so that `remove` takes all away. Blocks.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network
from threading import Lock
from typing import Any

from docker.errors import DockerException

from kubelet.cgroups.cgroups import Cgroups
from kubelet.cgroups.limits import PodLimits
from kubelet.docker import spec
from kubelet.docker.engine import DockerEngine, absent_is_none
from kubelet.docker.facts import EngineFacts
from kubelet.docker.images import Images
from kubelet.docker.listing import Listing
from kubelet.docker.members import Members
from kubelet.docker.pod_files import PodFiles
from kubelet.docker.seen import is_pause, labels_of, timestamp
from kubelet.network.addresses import Addresses
from kubelet.network.network import NetworkError, PodNetwork
from kubelet.pause.image import UNSHARE_REFUSED
from kubelet.runtime import ContainerError, PodSeen, SandboxSeen, SandboxWanted, State
from podling.api.host_ports import HostPort

log = logging.getLogger(__name__)
Json = dict[str, Any]


class NoRuntime(Exception):
    """The engine was told of no such OCI runtime."""


class Sandboxes:
    def __init__(
        self,
        connection: DockerEngine,
        owner: Mapping[str, str],
        *,
        files: PodFiles,
        images: Images,
        listing: Listing,
        members: Members,
        node_range: IPv4Network,
    ) -> None:
        self._connection, self._owner, self._files, self._images = connection, owner, files, images
        self._listing, self._members = listing, members
        self._addresses = Addresses(node_range)
        self._ports: Mapping[str, Sequence[HostPort]] = {}  # of the node, by the address of the pod that they lead to
        self._publishing = Lock()
        self.cgroups: Cgroups | None = None  # of pods, where we may write the engine's

    def recover(self, network: PodNetwork) -> None:
        """After a start of the kubelet: the sandboxes that are there are known and mended."""
        every = self._listing.inspect({})
        pauses = [each for each in every if is_pause(each)]
        if self.cgroups:
            self.cgroups.prune([labels_of(each)[spec.POD_UID] for each in every])
        self._addresses.observe((), (labels_of(pause)[spec.IP] for pause in pauses if labels_of(pause).get(spec.IP)))
        for pause in pauses:
            ip, pid = labels_of(pause).get(spec.IP, ""), pause["State"]["Pid"]
            if ip and pid and network.attached(ip, pid):
                with suppress(NetworkError):  # it is then seen as not ready
                    network.attach(ip, pid, {})
        for ip in network.prune(self._addresses.taken):
            log.info("network removed of a dead sandbox ip=%s", ip)
        mapped = ((labels_of(pause).get(spec.IP, ""), spec.ports_of(labels_of(pause))) for pause in pauses)
        self._publish(network, {ip: ports for ip, ports in mapped if ip and ports})

    def all_pods(self, network: PodNetwork) -> Mapping[str, PodSeen]:
        """Every pod, and addresses that nobody holds any more are free."""
        before = self._addresses.settled()
        every = self._listing.inspect({})
        self._addresses.observe(before, (ip for ip in (labels_of(each).get(spec.IP) for each in every) if ip))
        network.prune(self._addresses.taken)
        self._publish(network, {})
        return self._listing.pods(network, every)

    def start(self, network: PodNetwork, wanted: SandboxWanted, facts: EngineFacts) -> SandboxSeen:
        name = spec.container_name(wanted.ref, spec.PAUSE, wanted.attempt)
        existing = absent_is_none(self._connection.client().inspect_container, name)
        if existing:
            seen = self._listing.sandbox(network, existing)
            if seen.ready:
                return seen
            self.remove(network, wanted.ref.uid, existing["Id"])
        ip = "" if wanted.host_network else self._addresses.allocate()
        try:
            return self._make(network, wanted, name, ip, facts)
        except BaseException:
            with suppress(DockerException, OSError, NetworkError):  # else it is found by its labels later
                self.remove(network, wanted.ref.uid, name)
            self._files.remove_sandbox(wanted.ref.uid, wanted.attempt)
            raise
        finally:
            self._addresses.settle(ip)

    def _make(self, network: PodNetwork, wanted: SandboxWanted, name: str, ip: str, facts: EngineFacts) -> SandboxSeen:
        if wanted.runtime and wanted.runtime not in facts.runtimes:
            raise NoRuntime(f'failed to get sandbox runtime: no runtime for "{wanted.runtime}" is configured')
        network.check_ports(wanted.ports)
        client, image = self._connection.client(), self._images.ensure_pause()
        mode = "host" if wanted.host_network else network.mode
        files = self._files.write_sandbox(wanted, ip or network.node_ip)
        binds = [spec.bind(str(source), target) for target, source in files.items()]
        config = spec.pause_config(
            wanted,
            self._owner,
            image=image,
            mode=mode,
            ip=ip,
            binds=binds,
            facts=facts,
            cgroup_parent=self._cgroup(wanted),
        )
        id = client.create_container_from_config(config, name)["Id"]
        client.start(id)
        pause = client.inspect_container(id)
        if not wanted.host_network:
            self._attach(network, ip, pause, wanted)
            self._publish(network, {ip: wanted.ports} if wanted.ports else {})
        log.info("sandbox started pod=%s/%s uid=%s ip=%s", wanted.ref.namespace, wanted.ref.name, wanted.ref.uid, ip)
        return SandboxSeen(id, wanted.attempt, True, ip or network.node_ip, timestamp(pause["Created"]))

    def _publish(self, network: PodNetwork, more: Mapping[str, Sequence[HostPort]]) -> None:
        """Also without those whose address was given back."""
        with self._publishing:
            known = {**self._ports, **more}
            self._ports = {ip: ports for ip, ports in known.items() if ip in self._addresses.taken}
            network.publish(self._ports)

    def _cgroup(self, wanted: SandboxWanted) -> str:
        """The pod's own, made and limited. Without one a pod runs in the engine's, unless it asks for limits itself."""
        try:
            if self.cgroups:
                self.cgroups.make(wanted.ref.uid, wanted.limits)
                return self.cgroups.parent(wanted.ref.uid)
        except OSError as error:
            if wanted.limits.required:
                raise OSError(f"the pod's resources cannot be limited: {error}") from error
            log.warning("pod has no cgroup of its own uid=%s error=%s", wanted.ref.uid, error)
        if wanted.limits.required:
            raise OSError("the pod's resources cannot be limited: the engine's cgroups are not ours to write")
        return ""

    def limit(self, uid: str, limits: PodLimits) -> None:
        """Raises OSError, and `ContainerError` where more memory is in use."""
        if not self.cgroups:
            return
        used = self.cgroups.memory_bytes(uid)
        if 0 < limits.memory_bytes < used:
            words = f"attempting to set pod memory limit ({limits.memory_bytes}) below current usage ({used})"
            raise ContainerError("Error", f"cannot decrease memory limits: {words}")
        self.cgroups.limit(uid, limits)

    def _attach(self, network: PodNetwork, ip: str, pause: Json, wanted: SandboxWanted) -> None:
        try:
            network.attach(ip, pause["State"]["Pid"], spec.network_sysctls(wanted))
        except NetworkError:
            state = self._connection.client().inspect_container(pause["Id"])["State"]
            if state["ExitCode"] == UNSHARE_REFUSED:
                network.unshare_refused()
            raise

    def remove(self, network: PodNetwork, uid: str, sandbox_id: str) -> None:
        """Members first: none may outlive the sandbox, but what has ended stays for `kubectl logs`. The pause last,
        since its labels tell what else there is."""
        pause = absent_is_none(self._connection.client().inspect_container, sandbox_id)
        if not pause:
            return
        labels = labels_of(pause)
        for member in self._listing.inspect({spec.POD_UID: uid, spec.SANDBOX: pause["Id"]}):
            seen = self._listing.container(member)
            if seen.state is not State.EXITED and not seen.error:
                self._members.remove(member)
        if labels.get(spec.IP):
            network.detach(labels[spec.IP])
        self._members.remove(pause)
        if self.cgroups:
            self.cgroups.remove(uid)
        self._files.remove_sandbox(uid, int(labels[spec.ATTEMPT]))
        self._addresses.release(labels.get(spec.IP, ""))
        self._publish(network, {})
        log.info("sandbox removed pod=%s/%s uid=%s", labels[spec.POD_NAMESPACE], labels[spec.POD_NAME], uid)
