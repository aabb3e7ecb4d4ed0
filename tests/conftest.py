"""What holds for every test: a property is about answers, not about how long a busy machine takes to find them.

Every run draws the same examples, so that main is red for what was changed and for nothing else. To look for new ones:
`PODLING_EXPLORE=1 pytest tests/unit`, `python -m tests.clients.fuzz`, `python -m tests.clients.mutations`.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "podling",
    deadline=None,
    derandomize="PODLING_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("podling")
