"""Refusals that are this server's alone, and their forms on the wire."""

from typing import Any

from podling.api.errors import ApiError, InternalError, MethodNotAllowed, NotFound


class Unexplained(InternalError):
    """A 500 without a reason: what Kubernetes makes of an error that it did not foresee."""

    def status(self) -> dict[str, Any]:
        body = super().status()
        del body["reason"]
        return body


class NothingHere(NotFound):
    """What a page that nobody serves is answered with: plain text over HTTP."""

    def __init__(self) -> None:
        super().__init__("404 page not found", {})


def no_such_resource() -> NotFound:
    return NotFound("the server could not find the requested resource", {})


def not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource", {})


def unforeseen(error: BaseException) -> ApiError:
    """What a client sees of a defect: the log has the rest."""
    return InternalError(f"Internal error occurred: {type(error).__name__}", {"causes": [{"message": str(error)}]})
