"""What is there: the cluster's containers on the engine, found by their labels. Blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubelet.docker import seen, spec
from kubelet.docker.engine import DockerEngine, absent_is_none
from kubelet.docker.images import Images
from kubelet.docker.pod_files import PodFiles
from kubelet.docker.seen import labels_of
from kubelet.network.network import PodNetwork
from kubelet.process_user import process_user
from kubelet.runtime import ContainerSeen, PodSeen, SandboxSeen

Json = dict[str, Any]


class Listing:
    def __init__(self, connection: DockerEngine, owner: Mapping[str, str], files: PodFiles, images: Images) -> None:
        """`owner` are the labels of all that is ours."""
        self._connection, self._owner, self._files, self._images = connection, owner, files, images

    def inspect(self, labels: Mapping[str, str]) -> list[Json]:
        """A listing tells no exit code: each is inspected; what vanishes meanwhile is left out."""
        client = self._connection.client()
        listed = client.containers(all=True, filters=spec.label_filter({**self._owner, **labels}))
        inspected = (absent_is_none(client.inspect_container, each["Id"]) for each in listed)
        return [each for each in inspected if each]

    def pods(self, network: PodNetwork, inspected: Sequence[Json]) -> Mapping[str, PodSeen]:
        """By uid."""
        return {uid: self._pod(network, pod) for uid, pod in seen.by_uid(inspected).items()}

    def _pod(self, network: PodNetwork, inspected: Sequence[Json]) -> PodSeen:
        sandboxes = [self.sandbox(network, each) for each in inspected if seen.is_pause(each)]
        containers = [self.container(each) for each in inspected if not seen.is_pause(each)]
        return PodSeen(
            ref=seen.ref_of(labels_of(inspected[0])),
            sandboxes=sorted(sandboxes, key=lambda each: -each.attempt),
            containers=sorted(containers, key=lambda each: -each.attempt),
        )

    def sandbox(self, network: PodNetwork, pause: Json) -> SandboxSeen:
        labels, pid = labels_of(pause), pause["State"]["Pid"] if pause["State"]["Running"] else 0
        in_host = labels.get(spec.HOST_NETWORK) == "true"
        ip = network.node_ip if in_host else labels.get(spec.IP, "")
        ready = bool(pid) and (in_host or network.attached(ip, pid))
        return SandboxSeen(pause["Id"], int(labels[spec.ATTEMPT]), ready, ip, seen.timestamp(pause["Created"]))

    def container(self, member: Json) -> ContainerSeen:
        labels, ended = labels_of(member), not member["State"]["Running"]
        key = (labels[spec.POD_UID], labels[spec.CONTAINER_NAME], int(labels[spec.ATTEMPT]))
        message = self._files.termination_message(*key) if ended else ""
        if ended and not message and seen.falls_back_to_logs(member):
            tail = self._connection.client().logs(member["Id"], tail=spec.FALLBACK_LINES)
            message = self._files.keep_termination_message(*key, tail[-spec.FALLBACK_BYTES :])
        found = seen.container_seen(member, self._images.shown_id(member["Image"]), message)
        return replace(found, user=process_user(member["State"]["Pid"], member["Id"]))
