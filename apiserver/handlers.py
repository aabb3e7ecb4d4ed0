"""The calls that no generic verb serves, in one literal table.

A handler gets the decoded body in `request.decoded` (None where the verb has none) and answers. Streams take the
HTTP request itself, once the caller is known and allowed: they answer by WebSocket, SPDY or chunks.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from apiserver import component_statuses, resource_metrics, reviews
from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.kinds.kind import Kind
from apiserver.objects.cached import Cached
from apiserver.objects.watcher import Filter
from apiserver.request import Request
from apiserver.streams import logs, portforward, proxied, remotecommand
from apiserver.verbs import binding, eviction

Handler = Callable[[Context, Request], Awaitable[Answer]]
Stream = Callable[[Any, Context, Request], Awaitable[Any]]

HANDLERS: dict[tuple[str, str, str], Handler] = {
    ("", "pods", "binding"): binding.bind,
    ("", "bindings", ""): binding.bind,
    ("", "pods", "eviction"): eviction.evict,
    **reviews.HANDLERS,
}


class Made(Protocol):
    """Objects that are stored nowhere: made when somebody looks."""

    async def found(self, context: Context, kind: Kind, wanted: Filter) -> Sequence[Cached]: ...

    async def one(self, context: Context, kind: Kind, namespace: str, name: str) -> Cached: ...


MADE: dict[tuple[str, str], Made] = {
    ("", "componentstatuses"): component_statuses,
    ("metrics.k8s.io", "nodes"): resource_metrics,
    ("metrics.k8s.io", "pods"): resource_metrics,
}

STREAMS: dict[tuple[str, str, str], Stream] = {
    ("", "pods", "log"): logs.logs,
    ("", "pods", "exec"): remotecommand.exec_,
    ("", "pods", "attach"): remotecommand.attach,
    ("", "pods", "portforward"): portforward.port_forward,
    ("", "pods", "proxy"): proxied.to_pod,
    ("", "services", "proxy"): proxied.to_service,
    ("", "nodes", "proxy"): proxied.to_node,
}
