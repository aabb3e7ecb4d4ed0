"""What a container's probes ask, and what their answers amount to. Pure.

A startup probe holds the other two back until it succeeds once. A liveness or startup probe that fails ends the
container; a readiness probe says whether it is ready. Source: k8s.io/kubernetes/pkg/kubelet/prober.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple

Kind = Literal["startup", "liveness", "readiness"]
GRID_SECONDS = 0.1
KINDS: tuple[Kind, ...] = ("startup", "liveness", "readiness")


class Outcome(Enum):
    """A WARNING counts as a success; what is UNKNOWN, since it could not be asked at all, counts as nothing."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class Answer(NamedTuple):
    outcome: Outcome
    message: str = ""

    @property
    def succeeded(self) -> bool:
        return self.outcome in (Outcome.SUCCESS, Outcome.WARNING)


@dataclass(frozen=True)
class ProbeSpec:
    """Times in seconds; `grace_seconds` is the probe's own termination grace period, None for the pod's."""

    kind: Kind
    handler: Any
    initial_delay: float
    period: float
    timeout: float
    success_threshold: int
    failure_threshold: int
    grace_seconds: int | None = None


def event_of(kind: Kind, answer: Answer) -> tuple[str, str] | None:
    """The reason and message of the Warning that an answer is told by; None is nothing to tell."""
    name = kind.capitalize()
    match answer.outcome:
        case Outcome.FAILURE:
            return "Unhealthy", f"{name} probe failed: {answer.message}"
        case Outcome.UNKNOWN:
            return "Unhealthy", f"{name} probe errored and resulted in unknown state: {answer.message}"
        case Outcome.WARNING:
            return "ProbeWarning", f"{name} probe warning: {answer.message}"
    return None


def next_due(due: float, period: float, now: float) -> float:
    """When a probe that was due then is due again: never twice at once, and at a time that many probes share, since a
    loop that wakes for ten of them at once costs half of ten that wake it. All in seconds of one clock."""
    missed = max(0, math.floor((now - due) / period))
    return math.ceil(round((due + (missed + 1) * period) / GRID_SECONDS, 3)) * GRID_SECONDS


def probes_of(container: Any) -> Sequence[ProbeSpec]:
    given = ((kind, getattr(container, f"{kind}Probe")) for kind in KINDS)
    return [_spec(kind, probe) for kind, probe in given if probe]


def _spec(kind: Kind, probe: Any) -> ProbeSpec:
    return ProbeSpec(
        kind=kind,
        handler=probe,
        initial_delay=float(probe.initialDelaySeconds or 0),
        period=float(probe.periodSeconds or 10),
        timeout=float(probe.timeoutSeconds or 1),
        success_threshold=probe.successThreshold or 1,
        failure_threshold=probe.failureThreshold or 3,
        grace_seconds=probe.terminationGracePeriodSeconds,
    )


@dataclass
class Streak:
    """Answers of one probe in a row. `verdict` is None until a threshold was reached."""

    success_threshold: int
    failure_threshold: int
    verdict: bool | None = None
    last: bool | None = None
    length: int = 0

    def record(self, succeeded: bool) -> bool:
        """Whether the verdict turned."""
        self.length = self.length + 1 if succeeded == self.last else 1
        self.last = succeeded
        enough = self.success_threshold if succeeded else self.failure_threshold
        if self.length < enough or self.verdict == succeeded:
            return False
        self.verdict = succeeded
        return True


def port_of(container: Any, port: int | str) -> int:
    """A port by number or name; ValueError in the words of Kubernetes."""
    if isinstance(port, int):
        return port
    for each in container.ports or ():
        if each.name == port:
            return int(each.containerPort)
    if port.isdigit():
        return int(port)
    raise ValueError(f'strconv.Atoi: parsing "{port}": invalid syntax')
