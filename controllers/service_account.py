"""A `default` ServiceAccount in every namespace: pods run as it unless they name another."""

from contextlib import suppress
from typing import Any

from controllers.controller import Context, Source, itself, run
from podling.api.errors import AlreadyExists
from podling.client.resource import NAMESPACES, SERVICE_ACCOUNTS

NAME = "default"


async def control(context: Context) -> None:
    namespaces = context.informers.get(NAMESPACES)
    accounts = context.informers.get(SERVICE_ACCOUNTS, fields=f"metadata.name={NAME}")

    async def reconcile(namespace: str) -> None:
        if not is_active(namespaces.get(namespace)) or accounts.get(f"{namespace}/{NAME}"):
            return
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace}}
        with suppress(AlreadyExists):
            await context.client.create(SERVICE_ACCOUNTS, account, namespace)

    sources = [Source(namespaces, itself), Source(accounts, lambda key, old, new: [key.partition("/")[0]])]
    await run("service-account", context.clock, sources, reconcile)


def is_active(namespace: Any) -> bool:
    return namespace is not None and not namespace.metadata.deletionTimestamp
