"""Bodies that nobody foresaw, some of each kind. The server's log, too, must be free of tracebacks.

`python -m tests.clients.mutations` sends others each time, as long as one likes.
"""

from pathlib import Path

from tests.clients.conftest import started
from tests.clients.mutations import STORED, Driver


def test_a_body_that_nobody_foresaw_is_refused_in_words(tmp_path: Path) -> None:
    with started(tmp_path) as server, server.client() as client:
        driver = Driver(client, seed=1)
        for kind in STORED:
            driver.drive(kind, 3)
    assert driver.failures == {}
    assert driver.codes[422], "nothing was refused"
    assert driver.codes[200], "nothing was taken"
