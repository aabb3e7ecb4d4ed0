"""The schema of one version of a custom resource, ready for its objects. Pure.

    body ──shape──▶ object ──default──▶ ──(admission)──▶ validate
    store ──revive──▶ object

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (schemaCoercingDecoder) and
pkg/registry/customresource/strategy.go.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from apiserver.schema.schema import Schema
from apiserver.schema.shape import Mismatch, Notes, Where, mismatch
from apiserver.schema.text import Doubled
from apiserver.structural import celask, embedded
from apiserver.structural.celrules import Rules, rules_of
from apiserver.structural.default import default, drop_nulls
from apiserver.structural.listtype import duplicates
from apiserver.structural.node import MISSING, Node, Object, Props, parse
from apiserver.structural.prune import prune
from apiserver.structural.publish import list_of, of_kind
from apiserver.structural.result import Check
from apiserver.structural.typed import typed
from apiserver.structural.values import checker, ratcheted
from podling.api.field import ErrorList, FieldError, Path

ROOT = Path()


class Structural:
    """`props` is a version's schema.openAPIV3Schema. All methods but `shape` and `revive` work on the given object."""

    def __init__(
        self, props: Props | None, *, group: str, version: str, kind: str, plural: str = "", list_kind: str = ""
    ) -> None:
        self.props: Props = props or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        self.group, self.version, self.kind = group, version, kind
        self.plural, self.list_kind = plural or f"{kind.lower()}s", list_kind or f"{kind}List"
        self.root: Node = parse(self.props)

    def shape(self, value: Any, where: Where | None, notes: Notes) -> Object:
        """A body as it is kept: unknown fields and forbidden nulls gone. Notes tell of fields that stand twice or are
        unknown. Raises `Mismatch`. (A `Shaper`: decoding calls it through `schema`.)"""
        if not isinstance(value, dict):
            raise mismatch(value, where, "map[string]interface {}")
        doubled: list[Doubled] = []
        made: Object = plain(value, doubled)
        if doubled:
            notes += doubles(value)
        meta_notes = Notes()
        if "metadata" in made:
            made["metadata"] = embedded.object_meta(made["metadata"], None, meta_notes)
        notes += [note.replace('field "', 'field "metadata.', 1) for note in meta_notes]
        notes += [f'unknown field "{path}"' for path in prune(made, self.root, root=True)]
        drop_nulls(made, self.root)
        if wrong := embedded.coerce(made, self.root, ROOT, notes):
            raise Mismatch(str(wrong))
        return made

    def default(self, obj: Object) -> None:
        default(obj, self.root)

    def revive(self, stored: Object) -> Object:
        """An object from the store as this version shows it: pruned, what is malformed dropped, defaults filled in."""
        made: Object = plain(stored, [])
        if "metadata" in made:
            made["metadata"] = embedded.salvaged_meta(made["metadata"])
        prune(made, self.root, root=True)
        drop_nulls(made, self.root)
        embedded.coerce(made, self.root, ROOT, Notes(), drop=True)
        default(made, self.root)
        return made

    def validate(self, new: Object, old: Object | None = None, between: Sequence[FieldError] = ()) -> ErrorList:
        """What is wrong; with `old`, what did not change is let pass. `between` are the errors that stand after those
        of single values: of the scale subresource."""
        before = MISSING if old is None else old
        found = [*ratcheted(self._check, new, "", before).errors, *between]
        found += embedded.check(new, self.root, ROOT)
        if old is None or not duplicates(old, self.root, ROOT):
            found += duplicates(new, self.root, ROOT)
        return found + celask.check(self._rules, new, old, found)

    def spared(self, new: Object, old: Object) -> list[str]:
        """The rules that an update breaks and may, for what they look at did not change: warnings."""
        if self._rules is None:
            return []
        return [str(error) for error in celask.ask(self._rules, new, old).spared]

    def validate_status(self, new: Object, old: Object, between: Sequence[FieldError] = ()) -> ErrorList:
        """What is wrong with a write at `status`: of the values there, and of lists and rules everywhere."""
        found: ErrorList = []
        if self._check_status is not None and "status" in new:
            found += ratcheted(self._check_status, new["status"], "status", old.get("status", MISSING)).errors
        found += between
        if not duplicates(old, self.root, ROOT):
            found += duplicates(new, self.root, ROOT)
        return found + celask.check(self._rules, new, old, found)

    @cached_property
    def schema(self) -> Schema:
        """For decoding, field ownership and OpenAPI, as every kind has one."""
        return typed(self.root, name=self.definition, shape=self.shape, publish=lambda prefix: of_kind(self, prefix))

    @cached_property
    def list_schema(self) -> Schema:
        """The type of its lists, for OpenAPI."""
        name = f"{self.definition.rpartition('.')[0]}.{self.list_kind}"
        return Schema("object", name=name, publish=lambda prefix: list_of(self, prefix))

    @property
    def definition(self) -> str:
        """The name in OpenAPI: `com.example.v1.Boat`."""
        return ".".join([*reversed(self.group.split(".")), self.version, self.kind])

    @cached_property
    def _rules(self) -> Rules | None:
        return rules_of(self.root, root=True)

    @cached_property
    def _check(self) -> Check:
        return checker(self.props, self.root)

    @cached_property
    def _check_status(self) -> Check | None:
        status = self.root.properties.get("status")
        return checker(status.props, status) if status is not None else None


def plain(value: Any, doubled: list[Doubled]) -> Any:
    """A copy without the marks of the parser; what holds a field twice is added to `doubled`. Whole numbers are
    integers, as far as they go."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if isinstance(value, dict):
        if isinstance(value, Doubled):
            doubled.append(value)
        return {name: plain(item, doubled) for name, item in value.items()}
    if kind is list:
        return [plain(item, doubled) for item in value]
    if kind is int:
        return value if -(2**63) <= value < 2**63 else float(value)
    return int(value) if value.is_integer() and abs(value) < 1e21 else float(value)


def doubles(value: Any, path: str = "") -> list[str]:
    """What stands twice in a body: `duplicate field "spec.name"`."""
    found: list[str] = []
    if isinstance(value, Doubled):
        seen: set[str] = set()
        for name, _ in value.pairs:
            if name in seen:
                found.append(f'duplicate field "{f"{path}.{name}".removeprefix(".")}"')
            seen.add(name)
    if isinstance(value, dict):
        for name, item in value.items():
            found += doubles(item, f"{path}.{name}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            found += doubles(item, f"{path}[{position}]")
    return found
