"""Which network the node's pods get, and the engine's own networks for those that need one."""

import logging
import os
import sys
from collections.abc import Mapping

from docker.errors import APIError

from kubelet.docker.engine import DockerEngine
from kubelet.network.dockernet import DockerNetwork
from kubelet.network.network import NetworkSpec, PodNetwork
from kubelet.network.ptp import PointToPoint

log = logging.getLogger(__name__)


def choose(spec: NetworkSpec, engine: DockerEngine) -> PodNetwork:
    """Our own veths where they can be made: as root, on Linux, on the very machine of the engine. Blocks."""
    info, here = engine.client().info(), os.uname()
    same_machine = (info["KernelVersion"], info["Name"]) == (here.release, here.nodename)
    if sys.platform == "linux" and os.geteuid() == 0 and same_machine:
        return PointToPoint(spec)
    log.warning("pods run on a Docker network: not root on the engine's machine cluster=%s", spec.cluster)
    return DockerNetwork(spec, EngineNetworks(engine))


class EngineNetworks:
    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    def ensure(self, name: str, pod_range: str, gateway: str, labels: Mapping[str, str]) -> str:
        client = self._engine.client()
        found = self._find(name)
        if found:
            return found
        ipam = {"Driver": "default", "Config": [{"Subnet": pod_range, "Gateway": gateway}]}
        try:
            client.create_network(name, driver="bridge", ipam=ipam, labels=dict(labels), check_duplicate=True)
        except APIError as error:
            if error.status_code != 409:  # another kubelet of the cluster was quicker
                raise
        log.info("docker network made network=%s range=%s", name, pod_range)
        return self._find(name) or gateway

    def _find(self, name: str) -> str:
        networks = self._engine.client().networks(names=[name])
        return next((n["IPAM"]["Config"][0].get("Gateway", "") for n in networks if n["Name"] == name), "")
