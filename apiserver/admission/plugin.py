"""Admission: rules that look beyond one object. They run in the literal order of `apiserver/admission/__init__.py`,
first every `admit` (which may change the object), then, after validation's defaults, every `validate`."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from apiserver.kinds.kind import Kind
from apiserver.request import User
from podling.api import errors
from podling.api.errors import Forbidden, GroupResource


@dataclass(slots=True)
class Rounds:
    """The chain admits a second time where a late plugin has changed what early ones had seen. `wanted` asks for that;
    `kept` is what each plugin remembers of the first round."""

    second: bool = False
    wanted: bool = False
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Admission:
    """One write on its way in. `object` is None on DELETE, the options (PodExecOptions) on CONNECT; `old` is None on
    CREATE and CONNECT."""

    operation: str  # CREATE UPDATE DELETE CONNECT
    kind: Kind
    subresource: str
    namespace: str
    name: str
    user: User
    object: dict[str, Any] | None
    old: dict[str, Any] | None
    options: dict[str, Any] = field(default_factory=dict)  # of a DELETE its DeleteOptions, else the query
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)  # what the audit log shall tell of it, by qualified keys
    rounds: Rounds = field(default_factory=Rounds)

    def creates(self, group: str, plural: str) -> dict[str, Any] | None:
        """The new object, where this is the creation of one of that kind (not of a subresource)."""
        if self.operation == "CREATE" and not self.subresource and self.kind.resource == (group, plural):
            return self.object
        return None

    def updates(self, group: str, plural: str) -> dict[str, Any] | None:
        if self.operation == "UPDATE" and not self.subresource and self.kind.resource == (group, plural):
            return self.object
        return None

    def become(self, new: dict[str, Any]) -> None:
        """`new` takes the object's place, in place: who writes it holds on to it and to its metadata."""
        assert self.object is not None
        meta = self.object.get("metadata")
        self.object.clear()
        self.object.update(new)
        if meta is not None:
            changed = new.get("metadata") or {}
            if changed is not meta:
                meta.clear()
                meta.update(changed)
            self.object["metadata"] = meta

    def forbidden(self, why: str) -> Forbidden:
        """A refusal in the words of Kubernetes' admission: `pods "web" is forbidden: …`."""
        return errors.forbidden(GroupResource(self.kind.group, self.kind.plural), self.shown_name, why)

    @property
    def shown_name(self) -> str:
        """The name that refusals tell: of the request, of the object, or the beginning of a generated one."""
        metadata = (self.object or {}).get("metadata") or {}
        return self.name or metadata.get("name") or metadata.get("generateName") or "Unknown!"


class Plugin(Protocol):
    @property
    def name(self) -> str: ...

    async def admit(self, write: Admission) -> None:
        """May change `write.object`; raises an `ApiError` to refuse."""

    async def validate(self, write: Admission) -> None:
        """Raises an `ApiError` to refuse."""


class Mutating:
    """A plugin that has nothing to validate."""

    async def validate(self, write: Admission) -> None:
        return None


class Validating:
    """A plugin that changes nothing."""

    async def admit(self, write: Admission) -> None:
        return None
