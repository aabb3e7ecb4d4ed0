"""`metadata.managedFields`, decoded: which manager owns which set of fields, and since when.

Source: k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from apiserver.managedfields.fieldset import FieldSet
from podling.api.meta import parse_time

APPLY, UPDATE = "Apply", "Update"


class Manager(NamedTuple):
    """Who an entry is of. Appliers are told apart without their version, updaters with it."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def identifier(self) -> str:
        """What managers are sorted by."""
        parts = zip(("manager", "operation", "apiVersion", "subresource"), self, strict=True)
        return json.dumps({key: word for key, word in parts if word}, separators=(",", ":"))

    def __str__(self) -> str:
        """As conflicts name it: `"kubectl" with subresource "status" using v1`."""
        text = json.dumps(self.name, ensure_ascii=False)
        if self.subresource:
            text += f" with subresource {json.dumps(self.subresource)}"
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields of one manager. `time` is when it last wrote, None where that is not known."""

    fields: FieldSet
    api_version: str
    applied: bool
    time: str | None = None


Managed = dict[Manager, Owned]


class BadEntries(ValueError):
    """A managedFields list that cannot be decoded."""


def decode(entries: Any) -> Managed:
    managed: Managed = {}
    for position, entry in enumerate(entries or ()):
        if not isinstance(entry, dict) or entry.get("operation") not in (APPLY, UPDATE):
            raise BadEntries("operation must be `Apply` or `Update`")
        if not entry.get("apiVersion"):
            raise BadEntries("apiVersion must not be empty")
        if not entry.get("fieldsType"):
            raise BadEntries(f"missing fieldsType in managed fields entry {position}")
        if entry["fieldsType"] != "FieldsV1":
            raise BadEntries(f'invalid fieldsType "{entry["fieldsType"]}" in managed fields entry {position}')
        try:
            fields = FieldSet.decode(entry.get("fieldsV1") or {})
        except (ValueError, AttributeError) as wrong:
            raise BadEntries(f"error decoding set: {wrong}") from wrong
        managed[_manager(entry)] = Owned(fields, entry["apiVersion"], entry["operation"] == APPLY, entry.get("time"))
    return managed


def decode_own(entries: Any) -> Managed:
    """As `decode`, of a list that this server wrote itself: its sets need no check."""
    managed: Managed = {}
    for entry in entries or ():
        fields = FieldSet(entry.get("fieldsV1"))
        managed[_manager(entry)] = Owned(fields, entry["apiVersion"], entry["operation"] == APPLY, entry.get("time"))
    return managed


def _manager(entry: dict[str, Any]) -> Manager:
    version = "" if entry["operation"] == APPLY else entry["apiVersion"]
    return Manager(entry.get("manager", ""), entry["operation"], version, entry.get("subresource", ""))


def encode(managed: Managed) -> list[dict[str, Any]]:
    """Sorted by operation, time, manager, version, subresource."""
    return [_entry(manager, owned) for manager, owned in sorted(managed.items(), key=_position)]


def _position(pair: tuple[Manager, Owned]) -> tuple[str, float, str, str, str]:
    manager, owned = pair
    return manager.operation, seconds(owned.time), manager.name, owned.api_version, manager.subresource


def seconds(time: str | None) -> float:
    """Since 1970, whole; 0 where there is no time, or none that can be read."""
    try:
        return parse_time(time).timestamp() // 1 if time else 0.0
    except ValueError:
        return 0.0


def _entry(manager: Manager, owned: Owned) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields.encode(),
        "subresource": manager.subresource,
    }
    return {key: value for key, value in entry.items() if value not in (None, "")}


def is_reset(entries: Any) -> bool:
    """Whether a client says that nobody owns anything: `[]`, or one empty entry."""
    return isinstance(entries, Sequence) and list(entries) in ([], [{}])
