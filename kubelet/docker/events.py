"""Which pods changed, from the engine's event stream: one connection, level-triggered, made anew when it is cut."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from kubelet.docker.engine import DockerEngine
from kubelet.docker.spec import POD_UID, label_filter
from kubelet.docker.stream import EngineRefused, open_stream
from kubelet.runtime import RuntimeUnavailable

log = logging.getLogger(__name__)
ACTIONS = ("start", "die", "oom", "destroy")
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.2, 5.0


async def changed_pods(engine: DockerEngine, labels: Mapping[str, str]) -> AsyncIterator[str]:
    """uids; "" whenever the stream begins (anew): what happened before is only seen by looking."""
    wait = FIRST_WAIT_SECONDS
    filters = json.dumps({**label_filter(labels), "type": ["container"], "event": list(ACTIONS)})
    while True:
        try:
            async with await open_stream(await engine.address(), "GET", "/events", {"filters": filters}) as stream:
                wait = FIRST_WAIT_SECONDS
                yield ""
                async for event in stream.objects():
                    yield uid_of(event)
            log.warning("docker events ended, the engine went away")
        except (RuntimeUnavailable, EngineRefused, ConnectionError, json.JSONDecodeError) as error:
            log.warning("docker events cut error=%s seconds=%.1f", error, wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, MOST_WAIT_SECONDS)


def uid_of(event: Mapping[str, Any]) -> str:
    """Of the pod that the event's container belongs to."""
    return str(event.get("Actor", {}).get("Attributes", {}).get(POD_UID, ""))
