"""One call of one resource, as every verb sees it: what was asked, resolved to a kind."""

from dataclasses import dataclass, field
from typing import Any

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.crd import reading
from apiserver.kinds.kind import Kind, Subresource, View
from apiserver.managedfields import manager_name
from apiserver.objects.cached import Cached
from apiserver.objects.registry import Write
from apiserver.options import WriteOptions
from apiserver.request import Request
from apiserver.schema import decode
from apiserver.schema.empties import Empties
from apiserver.schema.schema import Schema
from podling.api import errors
from podling.api.errors import BadRequest

Object = dict[str, Any]


@dataclass(slots=True)
class Call:
    context: Context
    request: Request
    kind: Kind
    sub: Subresource | None
    empties: Empties = field(default_factory=Empties)  # of the object that the body makes

    @property
    def namespace(self) -> str:
        return self.request.attributes.namespace if self.kind.namespaced else ""

    @property
    def name(self) -> str:
        return self.request.attributes.name

    @property
    def body_kind(self) -> tuple[str, str, Schema]:
        """apiVersion, kind and schema of bodies here: a subresource may have its own."""
        sub = self.sub
        if sub and sub.kind and sub.schema:
            version = sub.version or self.kind.version
            return f"{sub.group}/{version}" if sub.group else version, sub.kind, sub.schema
        return self.kind.api_version, self.kind.kind, self.kind.schema

    @property
    def view(self) -> View | None:
        return self.sub.view if self.sub else None

    def seen_through(self, wanted: Object, current: Object) -> Object:
        """`current`, changed as the body of a view asks; a version that the body names is that of the object."""
        assert self.sub and self.sub.view
        view, name = self.sub.view, current["metadata"]["name"]
        if found := view.validate(wanted):
            raise errors.invalid(self.sub.group, self.sub.kind, name, found)
        view.write(wanted, current)
        if version := wanted["metadata"].get("resourceVersion"):
            current["metadata"]["resourceVersion"] = version
        return current

    def answer(self, cached: Cached, code: int = 200) -> Answer:
        if view := self.view:
            return Answer(view.read(cached.object), code, view.kind)
        return Answer(cached.object, code, self.kind, cached)

    def write(self, options: WriteOptions) -> Write:
        return Write(
            user=self.request.attributes.user,
            manager=manager_name(options.field_manager, self.request.user_agent),
            subresource=self.sub.name if self.sub else "",
            dry_run=options.dry_run,
            options=dict(self.request.options),
            warnings=self.request.warnings,
            annotations=self.request.annotations,
            empties=Empties() if self.view else self.empties,
        )

    def decoded(self, strictness: str) -> Object:
        """The body as an object of the kind expected here; what is odd about it becomes warnings."""
        api_version, kind, schema = self.body_kind
        raw, content_type = self.request.body, self.request.content_type
        if schema.custom:
            body, warnings = reading.read(self.kind, raw, content_type, strictness)
        else:
            also = self.sub.also if self.sub else ()
            body, warnings = decode.decode(
                raw,
                content_type,
                schema,
                kind=kind,
                api_version=api_version,
                strictness=strictness,
                also=also,
                empties=self.empties,
            )
        self.request.warnings += warnings
        return body

    def place(self, body: Object) -> None:
        """The namespace of the address counts; a body that says another is refused."""
        meta = body.setdefault("metadata", {})
        if not self.kind.namespaced:
            meta.pop("namespace", None)
        elif meta.get("namespace", self.namespace) not in ("", self.namespace):
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        else:
            meta["namespace"] = self.namespace

    def check_name(self, body: Object) -> None:
        said = body.get("metadata", {}).get("name", "")
        if not said:
            raise BadRequest(
                f"the name of the object ({self.name} based on URL) was undeterminable: name must be provided"
            )
        if said != self.name:
            raise BadRequest(f"the name of the object ({said}) does not match the name on the URL ({self.name})")


def manager_of(user_agent: str) -> str:
    return manager_name("", user_agent)
