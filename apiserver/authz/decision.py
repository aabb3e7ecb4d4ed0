"""What an authorizer answers, and the words in which a refusal reaches the user.

Source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
"""

from typing import NamedTuple

from apiserver.request import Attributes
from podling.api import errors, field
from podling.api.errors import Forbidden, GroupResource


class Decision(NamedTuple):
    """`reason` says who allowed it and why, or what kept it from being allowed; it may be empty."""

    allowed: bool
    reason: str = ""


def refusal(attributes: Attributes) -> str:
    """`User "dora" cannot list resource "pods" in API group "" in the namespace "x"`."""
    who, verb = field.show(attributes.user.name), attributes.verb
    if not attributes.resource:
        return f"User {who} cannot {verb} path {field.show(attributes.path)}"
    resource = "/".join(filter(None, (attributes.resource, attributes.subresource)))
    where = f"in the namespace {field.show(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    return (
        f"User {who} cannot {verb} resource {field.show(resource)} in API group {field.show(attributes.group)} {where}"
    )


def forbidden_error(attributes: Attributes, decision: Decision) -> Forbidden:
    why = refusal(attributes) + (f": {decision.reason}" if decision.reason else "")
    if not attributes.resource:
        return Forbidden(f"forbidden: {why}", {})
    return errors.forbidden(GroupResource(attributes.group, attributes.resource), attributes.name, why)
