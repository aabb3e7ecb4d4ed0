"""Asks the kubelets what their containers use: the objects of metrics.k8s.io, made when somebody lists or gets them.

A kubelet that does not answer is left out, and so is a pod that does not run, as metrics-server does it.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import grpc.aio

from apiserver.context import Context
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.metrics import NODE_METRICS, POD_METRICS
from apiserver.objects.cached import Cached, head
from apiserver.objects.watcher import Filter
from podling.api.errors import ApiError, GroupResource, not_found
from podling.api.meta import timestamp
from podling.api.quantity import Quantity
from podling.pb.node import node_pb2 as pb

log = logging.getLogger(__name__)
ANSWER_SECONDS = 5.0
NODES, PODS = GroupResource("", "nodes"), GroupResource("", "pods")
Found = Sequence[Cached]


async def found(context: Context, kind: Kind, wanted: Filter) -> Found:
    """The metrics of all that match."""
    made = await (_pods if kind is POD_METRICS else _nodes)(context, wanted)
    return [Cached(kind, head(kind), _key(each), each, 0) for each in made]


async def one(context: Context, kind: Kind, namespace: str, name: str) -> Cached:
    """Raises NotFound where there is no such pod or node, or nothing is known of it yet."""
    of = PODS if kind is POD_METRICS else NODES
    if context.lister.get(of, namespace, name) is None:
        raise not_found(of, name)
    seen = await found(context, kind, Filter(namespace, name))
    if not seen:
        named = GroupResource(kind.group, kind.kind.lower())
        raise not_found(named, f"{namespace}/{name}" if namespace else name)
    return seen[0]


def _key(body: Object) -> str:
    meta = body["metadata"]
    return "/".join(part for part in (meta.get("namespace"), meta["name"]) if part)


async def _pods(context: Context, wanted: Filter) -> list[Object]:
    running = [
        cached.object
        for cached in _select(context, PODS, wanted)
        if (cached.object.get("status") or {}).get("phase") == "Running" and cached.object["spec"].get("nodeName")
    ]
    replies = await _ask(context, sorted({pod["spec"]["nodeName"] for pod in running}))
    rates: dict[str, list[Any]] = {}
    for reply in replies.values():
        for each in reply.containers:
            rates.setdefault(each.container.uid, []).append(each)
    pods = ((pod["metadata"], rates.get(pod["metadata"]["uid"])) for pod in running)
    return [_pod_metrics(meta, measured) for meta, measured in pods if measured]


async def _nodes(context: Context, wanted: Filter) -> list[Object]:
    nodes = {cached.metadata["name"]: cached.metadata for cached in _select(context, NODES, wanted)}
    replies = await _ask(context, sorted(nodes))
    return [
        {**_head(NODE_METRICS, nodes[name], reply.node), "usage": _usage(reply.node)} for name, reply in replies.items()
    ]


def _select(context: Context, of: GroupResource, wanted: Filter) -> Iterable[Cached]:
    """In the order of their names. Fields are those of all objects: the name and the namespace."""
    kind = context.kinds.find(of.group, "v1", of.resource)
    assert kind is not None
    return sorted(context.feed.of(kind).select(wanted), key=lambda cached: cached.key)


async def _ask(context: Context, nodes: Sequence[str]) -> dict[str, Any]:
    answers = await asyncio.gather(*(_ask_one(context, node) for node in nodes))
    return {node: answer for node, answer in zip(nodes, answers, strict=True) if answer is not None}


async def _ask_one(context: Context, name: str) -> Any:
    """None where it does not answer."""
    try:
        _, stub = await context.kubelets.find(context.lister, context.config, name)
        return await stub.Stats(pb.StatsRequest(), timeout=ANSWER_SECONDS)
    except (ApiError, grpc.aio.AioRpcError) as error:
        log.info("node tells no metrics node=%s error=%s", name, error)
        return None


def _pod_metrics(meta: Object, measured: Sequence[Any]) -> Object:
    containers = [{"name": each.container.container, "usage": _usage(each.rate)} for each in measured]
    oldest = min((each.rate for each in measured), key=lambda rate: rate.timestamp_ms)
    return {**_head(POD_METRICS, meta, oldest), "containers": sorted(containers, key=lambda each: str(each["name"]))}


def _head(kind: Kind, of: Object, rate: Any) -> Object:
    meta = {name: of[name] for name in ("name", "namespace", "labels") if of.get(name)}
    at = datetime.fromtimestamp(rate.timestamp_ms / 1000, UTC)
    return {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        "metadata": {**meta, "creationTimestamp": timestamp(datetime.now(UTC))},
        "timestamp": timestamp(at),
        "window": duration(rate.window_ms / 1000),
    }


def _usage(rate: Any) -> Object:
    memory = Quantity(rate.memory_bytes * 10**9, "binary")
    return {"cpu": str(Quantity(rate.cpu_nanocores, "decimal")), "memory": str(memory)}


def duration(seconds: float) -> str:
    """As Go writes it: 1m0.5s."""
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{f'{int(minutes)}m' if minutes else ''}{round(rest, 3):g}s"
