"""Our OpenAPI documents against our server, by schemathesis: some of all calls.

`python -m tests.clients.fuzz` drives all of them, as often as one likes.
"""

from pathlib import Path

import pytest

from tests.clients.conftest import started
from tests.clients.fuzz import Driver, has_large_body

EVERY = 16


@pytest.mark.filterwarnings("ignore")  # of schemathesis' own, about what it cannot make up
def test_every_answer_is_what_its_document_says(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        driver = Driver(server.kubeconfig, number=1)
        operations = (each for group in driver.groups() for each in driver.operations(group))
        for number, operation in enumerate(each for each in operations if not has_large_body(each)):
            if number % EVERY == 0:
                driver.drive(operation, examples=1)
    assert driver.findings.failures == {}
    assert driver.findings.codes[200], "nothing was asked, or nothing was there"
