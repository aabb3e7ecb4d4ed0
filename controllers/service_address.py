"""An IPAddress for every address of a service: `kubectl get ipaddresses` tells whose it is.

In Kubernetes these objects are what the API server allocates by; here it allocates by the services themselves, and they
tell of it. Source: kubernetes/pkg/registry/core/service/ipallocator.
"""

import ipaddress
from contextlib import suppress
from typing import Any

from controllers.controller import Context, Source, itself, run
from podling.api.errors import AlreadyExists, NotFound
from podling.client.codec import plain
from podling.client.resource import IP_ADDRESSES, SERVICES

FAMILY, MANAGED = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by"
MANAGER = "ipallocator.k8s.io"


def addresses(service: Any) -> list[str]:
    spec = service.spec if service is not None else None
    return [each for each in (spec and spec.clusterIPs) or () if each not in ("", "None")]


async def control(context: Context) -> None:
    services, objects = context.informers.get(SERVICES), context.informers.get(IP_ADDRESSES)
    holders: dict[str, str] = {}  # address to the key of its service

    def held(key: str, old: Any, new: Any) -> list[str]:
        before, now = addresses(old), addresses(new)
        for each in before:
            if holders.get(each) == key:
                del holders[each]
        holders.update(dict.fromkeys(now, key))
        return [*before, *now]

    async def reconcile(address: str) -> None:
        found, key = objects.get(address), holders.get(address)
        namespace, _, name = (key or "").partition("/")
        parent = {"resource": "services", "namespace": namespace, "name": name}
        if found is None and key is not None:
            family = f"IPv{ipaddress.ip_address(address).version}"
            metadata = {"name": address, "labels": {FAMILY: family, MANAGED: MANAGER}}
            with suppress(AlreadyExists):  # its informer will tell
                await context.client.create(IP_ADDRESSES, {"metadata": metadata, "spec": {"parentRef": parent}})
        elif found is not None and _is_ours(found) and (key is None or plain(found.spec.parentRef) != parent):
            with suppress(NotFound):  # a parent never changes: the next look makes it anew
                await context.client.delete(IP_ADDRESSES, address, uid=found.metadata.uid or "")

    await run("service-address", context.clock, [Source(services, held), Source(objects, itself)], reconcile)


def _is_ours(found: Any) -> bool:
    return (found.metadata.labels or {}).get(MANAGED) == MANAGER
