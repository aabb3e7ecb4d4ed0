"""May this user do this? Asked before a body is read.

The chain, in order: members of system:masters may do everything; nodes by the node rules; everybody by RBAC. The first
that allows decides; what the others said is joined into the reason of a refusal.
"""

from typing import Protocol

from apiserver.authz.decision import Decision, forbidden_error
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import RbacAuthorizer
from apiserver.lister import Lister
from apiserver.request import Attributes

__all__ = ["MASTERS", "Authorizer", "Chain", "Decision", "forbidden_error"]

MASTERS = "system:masters"


class Authorizer(Protocol):
    def authorize(self, attributes: Attributes) -> Decision:
        """Pure over the roles and bindings in the lister; never waits."""


class Chain:
    """The authorizer that the API server asks."""

    def __init__(self, lister: Lister) -> None:
        self.rbac = RbacAuthorizer(lister)
        self.node = NodeAuthorizer(lister)

    def authorize(self, attributes: Attributes) -> Decision:
        if MASTERS in attributes.user.groups:
            return Decision(True)
        reasons: list[str] = []
        authorizers: tuple[Authorizer, ...] = (self.node, self.rbac)
        for authorizer in authorizers:
            decision = authorizer.authorize(attributes)
            if decision.allowed:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, "\n".join(reasons))
