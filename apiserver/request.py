"""One call of the API, whichever face it came in by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """Who is calling. Source: k8s.io/apiserver user.Info."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked, as authorization sees it: a resource, or a path that is none (`/healthz`)."""

    user: User
    verb: str  # get list watch create update patch delete deletecollection …; for paths the HTTP method in lower case
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""  # set only for non-resource requests
    field_selector: str = ""  # of list, watch and deletecollection, as the query has it: nodes may list their own pods


@dataclass(slots=True)
class Request:
    """A call of a resource after routing: everything the pipeline needs. `warnings` collects Warning header texts,
    `annotations` what admission has for the audit log."""

    attributes: Attributes
    options: Mapping[str, str] = field(default_factory=dict)  # the query
    body: bytes = b""
    content_type: str = "application/json"
    user_agent: str = ""
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)  # of the audit log
    decoded: Any = None
