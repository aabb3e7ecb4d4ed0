"""May this user do this? Asked before a body is read."""

from typing import NamedTuple, Protocol

from apiserver.request import Attributes


class Decision(NamedTuple):
    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    def authorize(self, attributes: Attributes) -> Decision:
        """Pure over the roles and bindings in the lister; never waits."""
