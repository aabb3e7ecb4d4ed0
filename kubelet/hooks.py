"""A container's lifecycle hooks: after its start, and before it is told to end.

Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container.go, startContainer and killContainer.
"""

import asyncio
import logging
from typing import Any

from kubelet.probes.handlers import Handlers, Place

log = logging.getLogger(__name__)


async def post_start(handlers: Handlers, place: Place, left: asyncio.Event) -> str | None:
    """Why it failed, None when it did not. It has all the time it needs; a pod that leaves does not wait for it."""
    container = place.container
    handler = container.lifecycle.postStart if container.lifecycle else None
    if handler is None:
        return None
    hook = asyncio.create_task(handlers.hook(handler, place, None))
    gone = asyncio.create_task(left.wait())
    try:
        await asyncio.wait({hook, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not hook.done():
            return None
        if error := hook.result():
            log.info(
                "hook failed hook=postStart pod=%s/%s container=%s error=%s", *place.ref[1:], container.name, error
            )
        return error
    finally:
        hook.cancel()
        gone.cancel()


async def pre_stop(handlers: Handlers, place: Place, seconds: float) -> bool:
    """Whether it did well, or there is none; it has `seconds` at most."""
    container: Any = place.container
    handler = container.lifecycle.preStop if container.lifecycle else None
    if handler is None:
        return True
    return _told("preStop", place, await handlers.hook(handler, place, seconds)) is None


def _told(hook: str, place: Place, error: str | None) -> str | None:
    """In the log alone: what a hook says may be a secret."""
    if error:
        name = place.container.name
        log.info("hook failed hook=%s pod=%s/%s container=%s error=%s", hook, *place.ref[1:], name, error)
    return error
