"""What every cluster has from its first start: the system namespaces and priority classes, the range of services,
then the roles."""

import logging
from contextlib import suppress

from apiserver.aggregation import trust
from apiserver.authz import bootstrap as roles
from apiserver.context import Context
from apiserver.fairness import keeper
from apiserver.kinds.networking.service_cidr import DEFAULT as DEFAULT_CIDR
from apiserver.kinds.priority_class import SYSTEM_CLASSES
from podling.api.errors import AlreadyExists
from podling.api.meta import timestamp

log = logging.getLogger(__name__)

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")


async def ensure(context: Context) -> None:
    """Write what is missing; a store that is away is the caller's to wait for."""
    namespaces = context.kinds.find("", "v1", "namespaces")
    assert namespaces is not None
    for name in NAMESPACES:
        if context.feed.of(namespaces).get("", name) is None:
            try:
                await context.registry.create(namespaces, "", {"metadata": {"name": name}})
                log.info("namespace created namespace=%s", name)
            except AlreadyExists:
                pass  # another API server on the same store
    classes = context.kinds.find("scheduling.k8s.io", "v1", "priorityclasses")
    assert classes is not None
    for found in SYSTEM_CLASSES:
        if context.feed.of(classes).get("", found["metadata"]["name"]) is None:
            with suppress(AlreadyExists):
                await context.registry.create(classes, "", {**found, "metadata": dict(found["metadata"])})
    await trust.ensure(context)
    await keeper.ensure(context.registry)
    await _ensure_service_cidr(context)
    await roles.ensure(context.registry, context.kinds)
    context.bootstrapped.set()


async def _ensure_service_cidr(context: Context) -> None:
    """The range that services get their addresses from, as an object. One that is there stays as it is."""
    kind = context.kinds.find("networking.k8s.io", "v1", "servicecidrs")
    if kind is None or context.feed.of(kind).get("", DEFAULT_CIDR) is not None:
        return
    ready = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": timestamp(context.registry.clock.now()),
        "reason": "",
        "message": "Kubernetes default Service CIDR is ready",
    }
    body = {
        "metadata": {"name": DEFAULT_CIDR},
        "spec": {"cidrs": [context.config.service_cluster_ip_range]},
        "status": {"conditions": [ready]},
    }
    with suppress(AlreadyExists):
        await context.registry.create(kind, "", body)
