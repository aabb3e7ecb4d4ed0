"""What the API can refuse, as one tree.

    ApiError
    ├── BadRequest            400  BadRequest            INVALID_ARGUMENT
    ├── Unauthorized          401  Unauthorized          UNAUTHENTICATED
    ├── Forbidden             403  Forbidden             PERMISSION_DENIED
    ├── NotFound              404  NotFound              NOT_FOUND
    ├── MethodNotAllowed      405  MethodNotAllowed      UNIMPLEMENTED
    ├── NotAcceptable         406  NotAcceptable         INVALID_ARGUMENT
    ├── AlreadyExists         409  AlreadyExists         ALREADY_EXISTS
    ├── Conflict              409  Conflict              ABORTED
    ├── Expired               410  Expired               OUT_OF_RANGE
    ├── Gone                  410  Gone                  OUT_OF_RANGE
    ├── TooLarge              413  RequestEntityTooLarge RESOURCE_EXHAUSTED
    ├── UnsupportedMediaType  415  UnsupportedMediaType  INVALID_ARGUMENT
    ├── Invalid               422  Invalid               INVALID_ARGUMENT
    ├── TooManyRequests       429  TooManyRequests       RESOURCE_EXHAUSTED
    ├── InternalError         500  InternalError         INTERNAL
    ├── ServiceUnavailable    503  ServiceUnavailable    UNAVAILABLE
    └── Timeout               504  Timeout               DEADLINE_EXCEEDED

An error is raised where it is known, in the words a user of kubectl knows, and becomes a `Status` body (REST) or a
gRPC status only at the edges. Source of codes, reasons and words: k8s.io/apimachinery/pkg/api/errors.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from podling.api.field import FieldError


class GroupResource(NamedTuple):
    """A resource as messages name it: `pods`, `deployments.apps`."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class ApiError(Exception):
    """One refusal. `details` is the Status body's `details` object, None where Kubernetes sends none."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"
    grpc: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """The `Status` object that a REST client receives."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


class BadRequest(ApiError):
    code, reason, grpc = 400, "BadRequest", "INVALID_ARGUMENT"


class Unauthorized(ApiError):
    code, reason, grpc = 401, "Unauthorized", "UNAUTHENTICATED"

    def __init__(self, message: str = "Unauthorized", details: dict[str, Any] | None = None) -> None:
        super().__init__(message, details)


class Forbidden(ApiError):
    code, reason, grpc = 403, "Forbidden", "PERMISSION_DENIED"


class NotFound(ApiError):
    code, reason, grpc = 404, "NotFound", "NOT_FOUND"


class MethodNotAllowed(ApiError):
    code, reason, grpc = 405, "MethodNotAllowed", "UNIMPLEMENTED"


class NotAcceptable(ApiError):
    code, reason, grpc = 406, "NotAcceptable", "INVALID_ARGUMENT"


class AlreadyExists(ApiError):
    code, reason, grpc = 409, "AlreadyExists", "ALREADY_EXISTS"


class Conflict(ApiError):
    code, reason, grpc = 409, "Conflict", "ABORTED"


class Expired(ApiError):
    code, reason, grpc = 410, "Expired", "OUT_OF_RANGE"


class Gone(ApiError):
    code, reason, grpc = 410, "Gone", "OUT_OF_RANGE"


class TooLarge(ApiError):
    code, reason, grpc = 413, "RequestEntityTooLarge", "RESOURCE_EXHAUSTED"


class UnsupportedMediaType(ApiError):
    code, reason, grpc = 415, "UnsupportedMediaType", "INVALID_ARGUMENT"


class Invalid(ApiError):
    code, reason, grpc = 422, "Invalid", "INVALID_ARGUMENT"


class TooManyRequests(ApiError):
    code, reason, grpc = 429, "TooManyRequests", "RESOURCE_EXHAUSTED"


class InternalError(ApiError):
    code, reason, grpc = 500, "InternalError", "INTERNAL"


class ServiceUnavailable(ApiError):
    code, reason, grpc = 503, "ServiceUnavailable", "UNAVAILABLE"


class Timeout(ApiError):
    code, reason, grpc = 504, "Timeout", "DEADLINE_EXCEEDED"


def _details(of: GroupResource, name: str = "", **more: Any) -> dict[str, Any]:
    found = {"name": name, "group": of.group, "kind": of.resource, **more}
    return {key: value for key, value in found.items() if value}


def not_found(of: GroupResource, name: str) -> NotFound:
    return NotFound(f'{of} "{name}" not found', _details(of, name))


def already_exists(of: GroupResource, name: str) -> AlreadyExists:
    return AlreadyExists(f'{of} "{name}" already exists', _details(of, name))


def forbidden(of: GroupResource, name: str, why: str) -> Forbidden:
    subject = f'{of} "{name}"' if name else str(of)
    return Forbidden(f"{subject} is forbidden: {why}", _details(of, name))


def conflict(of: GroupResource, name: str, why: str = "") -> Conflict:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return Conflict(f'Operation cannot be fulfilled on {of} "{name}": {why}', _details(of, name))


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """All that is wrong with one object, at once: `Pod "x" is invalid: spec.containers: Required value`."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    subject = f"{kind}.{group}" if group else kind
    details = _details(GroupResource(group, kind), name)
    details["causes"] = [error.cause() for error in errors]
    return Invalid(f'{subject} "{name}" is invalid: {joined}', details)


BY_REASON: dict[str, type[ApiError]] = {kind.reason: kind for kind in ApiError.__subclasses__()}
BY_CODE: dict[int, type[ApiError]] = {kind.code: kind for kind in reversed(ApiError.__subclasses__())}


def from_status(body: dict[str, Any]) -> ApiError:
    """The error that a server's `Status` body tells of."""
    code = int(body.get("code") or 500)
    kind = BY_REASON.get(str(body.get("reason", ""))) or BY_CODE.get(code, InternalError)
    return kind(str(body.get("message", "")), body.get("details"))
