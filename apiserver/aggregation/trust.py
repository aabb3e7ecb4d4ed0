"""ConfigMap kube-system/extension-apiserver-authentication: what API servers behind this one read, to believe its front
proxy's word and to know the cluster's users themselves.

Source: pkg/controlplane/controller/clusterauthenticationtrust.
"""

import json
from typing import Any

from apiserver.aggregation import identity
from apiserver.context import Context
from apiserver.kinds.config_map import CONFIG_MAP
from apiserver.objects.registry import by_server
from podling.api.errors import NotFound

Object = dict[str, Any]

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"
ALLOWED = "front-proxy-client"


def data(context: Context) -> dict[str, str]:
    found = {"client-ca-file": context.config.client_ca.read_text()}
    if context.config.requestheader_client_ca is None:
        return found
    lists = {
        "allowed-names": ALLOWED,
        "extra-headers-prefix": identity.EXTRA,
        "group-headers": identity.GROUP,
        "uid-headers": identity.UID,
        "username-headers": identity.USER,
    }
    found["requestheader-client-ca-file"] = context.config.requestheader_client_ca.read_text()
    return found | {f"requestheader-{name}": json.dumps([value]) for name, value in lists.items()}


async def ensure(context: Context) -> None:
    wanted = data(context)

    async def changed(current: Object) -> Object:
        return {**current, "data": {**(current.get("data") or {}), **wanted}}

    try:
        await context.registry.update(CONFIG_MAP, NAMESPACE, NAME, changed, by_server())
    except NotFound:
        await context.registry.create(CONFIG_MAP, NAMESPACE, {"metadata": {"name": NAME}, "data": wanted})
