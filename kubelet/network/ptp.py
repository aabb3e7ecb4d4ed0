"""Pods on point-to-point veths: plain routing between all pods and from the host, no bridge between them.

    host                                              pod
    plc1d2-0af40105  10.244.1.1/32                    eth0  10.244.1.5/32
    route 10.244.1.5/32 dev plc1d2-0af40105           route 10.244.1.1/32 dev eth0, default via 10.244.1.1

A device's name is made of the cluster and the pod's address, so it can be found again without a record, and no two
sandboxes can hold one address. Its alias names the cluster, the node and the namespace at the other end. The kernel
removes both ends with the pod's namespace.
"""

import errno
import hashlib
import logging
import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address

from kubelet.network import firewall, host_ports
from kubelet.network.addresses import node_address
from kubelet.network.conntrack import forget_datagrams
from kubelet.network.namespace import NamespaceGone, identity, inside, open_namespace, own_identity
from kubelet.network.netlink import Link, Netlink
from kubelet.network.network import NetworkError, NetworkSpec
from podling.api.host_ports import HostPort
from podling.podrange import api_address

log = logging.getLogger(__name__)
UNSHARE_SECONDS = 5.0
ROUTE_LOCALNET = "/proc/sys/net/ipv4/conf/{}/route_localnet"
UNPRIVILEGED = {  # as containerd and the engine give it to every pod: any user may bind any port, and ping
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}


def link_prefix(cluster: str) -> str:
    return f"pl{hashlib.sha256(cluster.encode()).hexdigest()[:4]}-"


def link_name(cluster: str, ip: str) -> str:
    """15 characters, the most that Linux takes."""
    return f"{link_prefix(cluster)}{int(IPv4Address(ip)):08x}"


def address_of(name: str) -> str:
    return str(IPv4Address(int(name.rpartition("-")[2], 16)))


def is_ours(link: Link, cluster: str) -> bool:
    """By name and, once it is set, by alias: two clusters' prefixes might be the same."""
    prefix = link_prefix(cluster)
    named = link.name.startswith(prefix) and len(link.name) == len(prefix) + 8
    return named and (not link.alias or link.alias.split()[:2] == ["podling", cluster])


def mac(first: int, ip: str) -> bytes:
    """Set by us, so that no device manager replaces a random one under a running pod."""
    return bytes((first, 0x58)) + IPv4Address(ip).packed


class PointToPoint:
    """`unshare`: the pause makes its own namespace, in half the time that the engine takes for network "none"."""

    def __init__(self, spec: NetworkSpec, *, unshare: bool = True) -> None:
        self.spec = spec
        self.node_ip = node_address(spec.node_range)
        self.mode = "host" if unshare else "none"
        self._own_namespace = own_identity()
        self._published: Mapping[str, Sequence[HostPort]] | None = None

    def start(self) -> None:
        self._published = None  # whatever the table says, it is made anew
        firewall.ensure(self.spec.cluster, str(self.spec.pod_range))
        name = self._name(self.node_ip)
        with Netlink() as netlink:
            if netlink.link(name) is None:
                netlink.add_bridge(name, mac(0x0E, self.node_ip))
            anchor = self._link(netlink, name)
            netlink.add_address(anchor.number, self.node_ip)
            netlink.add_address(anchor.number, api_address(str(self.spec.pod_range)))  # each node has it: one is enough
            netlink.set_link(anchor.number, alias=f"podling {self.spec.cluster} {self.spec.node} anchor")

    def unshare_refused(self) -> None:
        log.warning("the engine refuses pauses that make their own network namespace, it makes them itself from now on")
        self.mode = "none"

    def attach(self, ip: str, pid: int, sysctls: Mapping[str, str]) -> None:
        try:
            namespace = self._namespace(pid)
        except NamespaceGone as error:
            raise NetworkError(f"the sandbox ended while its network was made: {error}") from error
        try:
            with Netlink() as netlink:
                self._connect(netlink, ip, namespace, sysctls)
        except OSError as error:
            self.detach(ip)
            raise NetworkError(f"connecting {ip} to the sandbox: {error}") from error
        finally:
            os.close(namespace)

    def attached(self, ip: str, pid: int) -> bool:
        try:
            namespace = open_namespace(pid)
        except NamespaceGone:
            return False
        try:
            with Netlink() as netlink:
                link = netlink.link(self._name(ip))
            return link is not None and link.up and link.alias == self._alias(ip, identity(namespace))
        finally:
            os.close(namespace)

    def publish(self, ports: Mapping[str, Sequence[HostPort]]) -> None:
        if not ports and (ports == self._published or not host_ports.is_possible()):
            return
        if ports == self._published and host_ports.is_there(self._node()):
            return
        host_ports.apply(host_ports.ruleset(self._node(), ports))
        for ip in ports:
            with suppress(FileNotFoundError), open(ROUTE_LOCALNET.format(self._name(ip)), "w") as setting:
                setting.write("1")
        if moved := host_ports.moved_datagrams(self._published or {}, ports):
            try:
                forget_datagrams(moved)
            except OSError as error:
                log.warning("flows of datagrams may go where they went before ports=%s error=%s", moved, error)
        self._published = dict(ports)
        log.info("node ports published node=%s pods=%d", self.spec.node, len(ports))

    def check_ports(self, ports: Sequence[HostPort]) -> None:
        host_ports.check_free(ports)

    def _node(self) -> host_ports.Node:
        spec = self.spec
        order = (int(spec.node_range[0]) - int(spec.pod_range[0])) // spec.node_range.num_addresses
        prefix = link_prefix(spec.cluster)
        return host_ports.Node(spec.cluster, spec.node, self.node_ip, str(spec.pod_range), prefix, order)

    def detach(self, ip: str) -> None:
        with Netlink() as netlink:
            netlink.delete_link(self._name(ip))

    def prune(self, keep: Collection[str]) -> Sequence[str]:
        stale = []
        with Netlink() as netlink:
            for link in netlink.links():
                if not is_ours(link, self.spec.cluster):
                    continue
                ip = address_of(link.name)
                mine = ip != self.node_ip and IPv4Address(ip) in self.spec.node_range
                if mine and ip not in keep and netlink.delete_link(link.name):
                    stale.append(ip)
        return stale

    def _connect(self, netlink: Netlink, ip: str, namespace: int, sysctls: Mapping[str, str]) -> None:
        name, alias = self._name(ip), self._alias(ip, identity(namespace))
        link = netlink.link(name)
        if link and link.alias != alias:  # of a dead sandbox, or half made
            netlink.delete_link(name)
            link = None
        if link is None:
            self._add_pair(netlink, name, ip, namespace)
        inside(namespace, lambda: self._inside_pod(ip, sysctls))
        host = self._link(netlink, name)
        netlink.add_address(host.number, self.node_ip)
        netlink.set_link(host.number)
        netlink.add_route(f"{ip}/32", host.number, source=self.node_ip)
        netlink.set_link(host.number, alias=alias)  # last: `attached` asks for it

    def _add_pair(self, netlink: Netlink, name: str, ip: str, namespace: int) -> None:
        try:
            netlink.add_veth(name, mac(0x0E, ip), "eth0", mac(0x0A, ip), namespace)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
            raise NetworkError(f"address {ip} is in use: device {name} exists, or the sandbox has an eth0") from error

    def _inside_pod(self, ip: str, sysctls: Mapping[str, str]) -> None:
        for key, value in {**UNPRIVILEGED, **sysctls}.items():
            with open(f"/proc/sys/{key.replace('.', '/')}", "w") as setting:  # of the namespace that the thread is in
                setting.write(value)
        with Netlink() as netlink:
            netlink.set_link(self._link(netlink, "lo").number)
            device = self._link(netlink, "eth0")
            netlink.add_address(device.number, ip)
            netlink.set_link(device.number)
            netlink.add_route(f"{self.node_ip}/32", device.number)
            netlink.add_route("0.0.0.0/0", device.number, via=self.node_ip)

    def _namespace(self, pid: int) -> int:
        """The pause's, once it has left the host's: it does so first of all, but the engine does not wait for it.

        Two signs, since a mistake would configure a device of the host: another namespace than ours, and the
        capabilities gone, which the pause drops after it has left (the engine may live in a namespace apart from ours).
        """
        deadline = time.monotonic() + UNSHARE_SECONDS
        while True:
            namespace = open_namespace(pid)
            if identity(namespace) != self._own_namespace and (self.mode != "host" or without_capabilities(pid)):
                return namespace
            os.close(namespace)
            if time.monotonic() > deadline:
                raise NetworkError("the sandbox did not leave the host's network namespace")
            time.sleep(0.001)

    def _link(self, netlink: Netlink, name: str) -> Link:
        link = netlink.link(name)
        if link is None:
            raise OSError(errno.ENODEV, f"device {name} is gone")
        return link

    def _name(self, ip: str) -> str:
        return link_name(self.spec.cluster, ip)

    def _alias(self, ip: str, namespace: int) -> str:
        return f"podling {self.spec.cluster} {self.spec.node} {ip} netns {namespace}"


def without_capabilities(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status") as status:
            return any(line.split() == ["CapEff:", "0" * 16] for line in status)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise NamespaceGone(f"process {pid} has ended") from error


def remove_links(cluster: str) -> Sequence[str]:
    """Every device of the cluster, anchors included."""
    with Netlink() as netlink:
        ours = [link.name for link in netlink.links() if is_ours(link, cluster)]
        return [name for name in ours if netlink.delete_link(name)]
