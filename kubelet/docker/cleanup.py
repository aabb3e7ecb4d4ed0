"""All that a cluster has on the engine and on its machine, taken away: what `podling down` leaves to nobody else."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from docker.errors import APIError, NotFound

from kubelet.cgroups import cgroups
from kubelet.cgroups.cgroups import Cgroups
from kubelet.docker.engine import DockerEngine, translated
from kubelet.docker.image_roots import HELD_BY_NODE
from kubelet.docker.spec import CLUSTER, NODE, label_filter
from kubelet.network import firewall, host_ports
from kubelet.network.ptp import remove_links
from kubelet.runtime import RuntimeUnavailable

log = logging.getLogger(__name__)
AT_ONCE = 4


def remove_cluster(cluster: str) -> None:
    """Containers, networks, volumes, devices and filter rules, as far as they are there; the images stay.

    Blocks for about 0.1 s a container. With the engine away its containers stay, and a warning says so; devices and
    rules go in any case. Without root there are neither devices nor rules.
    """
    _remove_labelled({CLUSTER: cluster}, lambda info: cgroups.of_engine(info, cluster, ""), Cgroups.remove_cluster)
    if sys.platform == "linux" and os.geteuid() == 0:
        remove_links(cluster)
        firewall.remove(cluster)
        host_ports.remove(cluster)


def remove_node(cluster: str, node: str) -> None:
    """What one node of a cluster that goes on has on the engine; its kubelet must have ended."""
    labels = {CLUSTER: cluster, NODE: node}
    _remove_labelled(labels, lambda info: cgroups.of_engine(info, cluster, node), Cgroups.remove_node)
    _remove_labelled({CLUSTER: cluster, HELD_BY_NODE: node}, lambda info: None, Cgroups.remove_node)
    if sys.platform == "linux" and os.geteuid() == 0:
        host_ports.remove(cluster, node)


def _remove_labelled(
    labels: Mapping[str, str], of_engine: Callable[[Any], Cgroups | None], remove: Callable[[Cgroups], None]
) -> None:
    engine = DockerEngine()
    try:
        client = translated(engine.client)
        _remove_from_engine(client, labels)
        if found := of_engine(client.info()):
            remove(found)
    except RuntimeUnavailable as error:
        log.warning("the Docker engine does not answer, containers stay labels=%s error=%s", labels, error)
    finally:
        engine.close()


def _remove_from_engine(client: Any, labels: Mapping[str, str]) -> None:
    filters = label_filter(labels)
    containers = client.containers(all=True, filters=filters)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda each: _remove_container(client, each["Id"]), containers))
    for network in client.networks(filters=filters):
        _remove_network(client, network["Id"])
    for volume in (client.volumes(filters=filters) or {}).get("Volumes") or []:
        with suppress(NotFound):
            client.remove_volume(volume["Name"], force=True)


def _remove_container(client: Any, id: str) -> None:
    try:
        client.remove_container(id, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # being removed already
            raise


def _remove_network(client: Any, id: str) -> None:
    """Docker 20.10 may count endpoints of containers that are gone, until it is restarted: then the network stays."""
    try:
        for container in client.inspect_network(id).get("Containers") or {}:
            with suppress(APIError):
                client.disconnect_container_from_network(container, id, force=True)
        client.remove_network(id)
    except NotFound:
        return
    except APIError as error:
        log.warning("docker keeps a network until its next restart network=%.12s error=%s", id, error.explanation)
