"""Bodies that nobody foresaw, of some kinds, others each time. The server's log, too, must be free of tracebacks."""

import random
import time
from pathlib import Path

from tests.clients.conftest import started
from tests.clients.mutations import STORED, Driver

SECONDS = 10.0


def test_a_body_that_nobody_foresaw_is_refused_in_words(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    with started(tmp_path) as server, server.client() as client:
        driver = Driver(client, seed)
        end = time.monotonic() + SECONDS
        for kind in random.Random(seed).sample(STORED, len(STORED)):
            if time.monotonic() < end:
                driver.drive(kind, 5)
    assert driver.failures == {}, f"seed {seed}"
    assert driver.codes[422], "nothing was refused"
    assert driver.codes[200], "nothing was taken"
