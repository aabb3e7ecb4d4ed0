"""Which OCI runtime of the engine a pod runs under: the handler of its RuntimeClass."""

from typing import Any

from kubelet.sandbox import refused
from podling.api.errors import ApiError
from podling.client.client import Client
from podling.client.resource import RUNTIME_CLASSES


async def handler_of(pod: Any, client: Client) -> str:
    """ "" is the engine's default. Raises `ContainerError` where the class is not there (any more)."""
    name = pod.spec.runtimeClassName
    if not name:
        return ""
    try:
        return str((await client.get(RUNTIME_CLASSES, name)).handler)
    except ApiError as error:
        raise refused(f"failed to lookup RuntimeClass {name}: {error.message}") from error
