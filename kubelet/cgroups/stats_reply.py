"""Rates as the node's gRPC service tells them."""

from typing import Any

from kubelet.cgroups.stats import ContainerRate, Rate, Rates
from podling.pb.node import node_pb2 as pb


def stats_reply(found: Rates) -> Any:
    return pb.StatsReply(node=_rate(found.node), containers=[_container(each) for each in found.containers])


def _container(found: ContainerRate) -> Any:
    ref = found.ref
    container = pb.ContainerRef(namespace=ref.namespace, pod=ref.name, uid=ref.uid, container=found.name)
    return pb.ContainerRate(container=container, rate=_rate(found.rate))


def _rate(rate: Rate) -> Any:
    return pb.Rate(
        timestamp_ms=int(rate.at.timestamp() * 1000),
        window_ms=int(rate.window_seconds * 1000),
        cpu_nanocores=rate.cpu_nanocores,
        memory_bytes=rate.memory_bytes,
    )
