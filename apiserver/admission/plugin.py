"""Admission: rules that look beyond one object. They run in the literal order of `apiserver/admission/__init__.py`,
first every `admit` (which may change the object), then, after validation's defaults, every `validate`."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from apiserver.kinds.kind import Kind
from apiserver.request import User


@dataclass(slots=True)
class Admission:
    """One write on its way in. `object` is None on DELETE and CONNECT, `old` on CREATE."""

    operation: str  # CREATE UPDATE DELETE CONNECT
    kind: Kind
    subresource: str
    namespace: str
    name: str
    user: User
    object: dict[str, Any] | None
    old: dict[str, Any] | None
    options: dict[str, Any] = field(default_factory=dict)  # DeleteOptions, …
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)


class Plugin(Protocol):
    name: str

    async def admit(self, write: Admission) -> None:
        """May change `write.object`; raises an `ApiError` to refuse."""

    async def validate(self, write: Admission) -> None:
        """Raises an `ApiError` to refuse."""
