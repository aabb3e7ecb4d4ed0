"""Our OpenAPI documents against our server, by schemathesis: a part of all calls, another each time.

`python -m tests.clients.fuzz` drives all of them, as often as one likes.
"""

import random
import time
from pathlib import Path

import pytest

from tests.clients.conftest import started
from tests.clients.fuzz import Driver, has_large_body

SECONDS = 15.0


@pytest.mark.filterwarnings("ignore")  # of schemathesis' own, about what it cannot make up
def test_every_answer_is_what_its_document_says(tmp_path: Path) -> None:
    dice = random.randrange(1 << 32)
    with started(tmp_path) as server:
        driver = Driver(server.kubeconfig)
        groups = driver.groups()
        random.Random(dice).shuffle(groups)
        end = time.monotonic() + SECONDS
        for group in groups:
            for operation in driver.operations(group):
                if time.monotonic() < end and not has_large_body(operation):
                    driver.drive(operation, 1)
    assert driver.findings.failures == {}, f"seed {dice}"
    assert driver.findings.codes[200], "nothing was asked, or nothing was there"
