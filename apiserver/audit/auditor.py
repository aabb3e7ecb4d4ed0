"""The audit log: events as lines of JSON, in a file that is set aside when it has grown, or on standard output.

Source: k8s.io/apiserver/plugin/pkg/audit/log; files are set aside as lumberjack does it.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from apiserver.audit import policy as policies
from apiserver.audit.record import Record
from apiserver.objects.cached import encode
from apiserver.request import Attributes
from podling.api.meta import micro_timestamp

log = logging.getLogger(__name__)

Object = dict[str, Any]

MEGABYTES = 100  # of a file, where nothing is said


class Log:
    """`path` "-" is standard output; `most_files` 0 keeps all that were set aside."""

    def __init__(self, path: str, megabytes: int = 0, most_files: int = 0) -> None:
        self._path = None if path == "-" else Path(path)
        self._most_bytes, self._most_files = (megabytes or MEGABYTES) * 1_000_000, most_files
        self._file: BinaryIO = sys.stdout.buffer if self._path is None else self._open(self._path)

    def _open(self, path: Path) -> BinaryIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)
        path.chmod(0o600)
        return file

    def write(self, event: Object) -> None:
        line = encode(event) + b"\n"
        try:
            if self._path is not None and self._file.tell() + len(line) > self._most_bytes and self._file.tell():
                self._set_aside(self._path)
            self._file.write(line)
        except OSError as error:  # a full disk does not end requests; blocking-strict is not offered
            log.error("audit event not written error=%s", error)

    def _set_aside(self, path: Path) -> None:
        self._file.close()
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")[:-3]
        path.rename(path.with_name(f"{path.stem}-{at}{path.suffix}"))
        self._file = self._open(path)
        old = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))
        for each in old[: -self._most_files] if self._most_files else ():
            each.unlink(missing_ok=True)

    def close(self) -> None:
        if self._path is not None:
            self._file.close()


class Auditor:
    def __init__(self, policy: Object, log_: Log) -> None:
        self._policy, self._log = policy, log_

    def begin(self, asked: Attributes, audit_id: str, uri: str, headers: Mapping[str, str], peer: str) -> Record | None:
        """None where the policy wants nothing of it."""
        told = policies.told(self._policy, asked)
        if told.level == policies.NONE:
            return None
        agent, sources = headers.get("User-Agent", ""), _sources(headers, peer)
        record = Record(told, audit_id, asked, uri, agent, sources, micro_timestamp())
        self.tell(record, "RequestReceived")
        return record

    def tell(self, record: Record, stage: str, status: Object | None = None) -> None:
        event = record.event(stage, micro_timestamp(), status)
        if event is not None:
            self._log.write(event)

    def close(self) -> None:
        self._log.close()


def _sources(headers: Mapping[str, str], peer: str) -> Sequence[str]:
    """What proxies say, then who it is that we see."""
    said = [each.strip() for each in headers.get("X-Forwarded-For", "").split(",")]
    said = [each for each in said if each] or ([headers["X-Real-Ip"]] if headers.get("X-Real-Ip") else [])
    return said if not peer or peer in said[-1:] else [*said, peer]


def load(policy_file: Path, path: str, megabytes: int = 0, most_files: int = 0) -> Auditor:
    """Raises `PolicyError`."""
    try:
        policy = yaml.safe_load(policy_file.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise policies.PolicyError(f"audit policy {policy_file}: {error}") from None
    return Auditor(policies.check(policy), Log(path, megabytes, most_files))
