"""A server for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.apiserver.door import Door, door


@pytest.fixture
async def server(certificates: Path) -> AsyncIterator[Door]:
    async with door(certificates) as made:
        yield made
