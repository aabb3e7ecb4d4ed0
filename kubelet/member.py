"""A container of a pod's spec as the machine sees it: when it runs, and when it runs again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kubelet.cgroups.limits import Limits

ALL = "RestartAllContainers"


class Rule(NamedTuple):
    """What follows an exit whose code is in `codes`, or is not: `action` is Restart or RestartAllContainers."""

    action: str
    codes: frozenset[int]
    is_in: bool = True


@dataclass(frozen=True, slots=True)
class Member:
    """A container of the pod's spec. `policy`: Always, OnFailure or Never, for an init container too; `rules` come
    before it, the first that matches counts. `ephemeral`: of `kubectl debug`; it runs once, and what becomes of it is
    nothing to the pod."""

    name: str
    spec_hash: str = ""
    init: bool = False
    policy: str = "Always"
    ephemeral: bool = False
    rules: Sequence[Rule] = ()
    limits: Limits | None = None  # None: whatever it has is right
    restarts_for: frozenset[str] = frozenset()  # the resources, cpu and memory, that it is not resized in while it runs

    def rule(self, exit_code: int) -> Rule | None:
        return next((rule for rule in self.rules if (exit_code in rule.codes) is rule.is_in), None)

    def restarts_after(self, exit_code: int) -> bool:
        if self.rule(exit_code):
            return True
        return self.policy == "Always" or (self.policy == "OnFailure" and exit_code != 0)

    @property
    def sidecar(self) -> bool:
        return self.init and self.policy == "Always"
