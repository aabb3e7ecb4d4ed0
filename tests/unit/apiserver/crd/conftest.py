"""One server a file; each test finds it without definitions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.apiserver.crd.boats import DEFINITIONS, gone
from tests.unit.apiserver.door import Door, door


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(certificates: Path) -> AsyncIterator[Door]:
    async with door(certificates) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def server(shared: Door) -> AsyncIterator[Door]:
    yield shared
    for found in (await shared.call("GET", DEFINITIONS)).body["items"]:
        path = f"{DEFINITIONS}/{found['metadata']['name']}"
        await shared.call("DELETE", path)
        await gone(shared, path)
    quotas = "/api/v1/namespaces/default/resourcequotas"
    await shared.call("DELETE", quotas)
