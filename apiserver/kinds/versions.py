"""A built-in kind in another version than the one that is stored: HorizontalPodAutoscaler v1 beside v2. Pure.

`face` makes such a kind of its hub and two functions on objects. What the hub knows (defaults, rules, columns) is asked
of the hub, through them; what differs is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apiserver.kinds.kind import Kind, Object, Subresource, View
from apiserver.schema.schema import Schema
from podling.api.field import ErrorList

Conversion = Callable[[Object], Object]


class Faces:
    """The versions of one built-in resource. What is made may share parts with what it was made of."""

    exact = True
    moves_fields = False  # `Kind.field_labels` says how

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._conversions: dict[str, tuple[Conversion, Conversion]] = {}

    def add(self, kind: Kind, to_hub: Conversion, from_hub: Conversion) -> None:
        self._kinds[kind.api_version] = kind
        self._conversions[kind.api_version] = (to_hub, from_hub)

    def kind(self, api_version: str) -> Kind | None:
        return self._kinds.get(api_version)

    async def convert(self, objects: Sequence[Object], to: Kind) -> list[Object]:
        return [self.converted(each, to) for each in objects]

    def converted(self, obj: Object, to: Kind) -> Object:
        if obj["apiVersion"] == to.api_version:
            return obj
        to_hub, _ = self._conversions[obj["apiVersion"]]
        _, from_hub = self._conversions[to.api_version]
        return from_hub(to_hub(obj))


def hub(kind: Kind, faces: Faces) -> Kind:
    """The kind that is stored, told that it has other versions."""
    made = replace(kind, versions=faces)
    faces.add(made, lambda obj: obj, lambda obj: obj)
    return made


def face(
    hub: Kind,
    *,
    version: str,
    schema: Schema,
    to_hub: Conversion,
    from_hub: Conversion,
    group: str | None = None,
    kind: str = "",
    **differs: Any,
) -> Kind:
    """`to_hub` and `from_hub` see plain objects of their version; the envelope is put right here."""
    assert isinstance(hub.versions, Faces), f"{hub.plural} is no hub: make it one with versions.hub"
    faces: Faces = hub.versions
    named: dict[str, Any] = {
        "group": hub.group if group is None else group,
        "version": version,
        "kind": kind or hub.kind,
    }
    through = _Through(hub, replace(hub, **named, subresources=()), to_hub, from_hub)
    made = replace(
        hub,
        **named,
        schema=schema,
        hub=hub,
        versions=faces,
        default=through.changing(hub.default),
        prepare_create=through.changing(hub.prepare_create),
        prepare_update=through.comparing(hub.prepare_update) if hub.prepare_update else None,
        validate=through.asking(hub.validate),
        validate_create=through.asking(hub.validate_create),
        validate_update=through.asking_both(hub.validate_update),
        warn=through.asking(hub.warn),
        columns=tuple(column._replace(cell=through.asking(column.cell)) for column in hub.columns),
        subresources=tuple(through.subresource(sub) for sub in hub.subresources),
    )
    made = replace(made, **differs)
    faces.add(made, through.to_hub, through.from_hub)
    return made


class _Through:
    """The hub's functions, for objects of another version."""

    def __init__(self, hub: Kind, own: Kind, to_hub: Conversion, from_hub: Conversion) -> None:
        self._hub, self._own, self._to, self._from = hub, own, to_hub, from_hub

    def to_hub(self, obj: Object) -> Object:
        return {**self._to(obj), "apiVersion": self._hub.api_version, "kind": self._hub.kind}

    def from_hub(self, obj: Object) -> Object:
        return {**self._from(obj), "apiVersion": self._own.api_version, "kind": self._own.kind}

    def asking(self, function: Callable[[Object], Any]) -> Callable[[Object], Any]:
        return lambda obj: function(self.to_hub(obj))

    def asking_both(self, function: Callable[[Object, Object], ErrorList]) -> Callable[[Object, Object], ErrorList]:
        return lambda new, old: function(self.to_hub(new), self.to_hub(old))

    def changing(self, function: Callable[[Object], None]) -> Callable[[Object], None]:
        def change(obj: Object) -> None:
            made = self.to_hub(obj)
            function(made)
            self._put_back(obj, made)

        return change

    def comparing(self, function: Callable[[Object, Object], None]) -> Callable[[Object, Object], None]:
        def change(new: Object, old: Object) -> None:
            made = self.to_hub(new)
            function(made, self.to_hub(old))
            self._put_back(new, made)

        return change

    def _put_back(self, obj: Object, made: Mapping[str, Any]) -> None:
        """Callers hold on to the object's metadata, which no conversion replaces but in content."""
        meta = obj["metadata"]
        changed = self.from_hub(dict(made))
        meta_after = dict(changed["metadata"])
        obj.clear()
        obj.update(changed)
        meta.clear()
        meta.update(meta_after)
        obj["metadata"] = meta

    def subresource(self, sub: Subresource) -> Subresource:
        return replace(
            sub,
            prepare_update=self.comparing(sub.prepare_update) if sub.prepare_update else None,
            validate_update=self.asking_both(sub.validate_update),
            view=sub.view and self.view(sub.view),
        )

    def view(self, view: View) -> View:
        def write(body: Object, obj: Object) -> None:
            self.changing(lambda made: view.write(body, made))(obj)

        return view._replace(read=self.asking(view.read), write=write)
