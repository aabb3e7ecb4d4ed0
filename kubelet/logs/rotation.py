"""How much of a container's output is kept: the engine cuts the log into files and drops the oldest. Pure.

json-file, whatever the engine's default is: docs/decisions/0014-logs-in-json-files.md. A writer that is faster than the
engine waits for it, nothing is lost on the way in.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

DRIVER = "json-file"


class LogRotation(NamedTuple):
    """containerLogMaxSize and containerLogMaxFiles, the file that is written to included."""

    max_bytes: int = 10 << 20
    max_files: int = 5


DEFAULT = LogRotation()


def log_config(rotation: LogRotation) -> Mapping[str, Any]:
    """Of the engine's HostConfig."""
    return {"Type": DRIVER, "Config": {"max-size": str(rotation.max_bytes), "max-file": str(rotation.max_files)}}
