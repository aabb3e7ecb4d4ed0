"""Whatever a schema lets through is judged, never fallen over: random objects of every kind."""

import random
from typing import Any

import msgspec
import pytest

from apiserver.kinds import KINDS, Kind
from apiserver.schema.decode import decode
from apiserver.schema.schema import Schema

WORDS = (
    "",
    "a",
    "A B",
    "Always",
    "Never",
    "In",
    "Exists",
    "NoExecute",
    "Localhost",
    "TCP",
    "-1",
    "x/y/z",
    "metadata.name",
)
AMOUNTS = ("0", "-1", "1500m", "1Gi", "3")
TIMES = {"date-time": "2026-01-01T00:00:00Z", "micro-time": "2026-01-01T00:00:00.000000Z", "byte": "AAE="}


def value_of(schema: Schema, dice: random.Random, depth: int = 0) -> Any:
    """A value that the schema allows, often empty or null."""
    if dice.random() < 0.08:
        return None
    if schema.type == "object":
        if schema.values is not None:
            keys = ("cpu", "memory", "example.com/gpu", "hugepages-2Mi", "Bad Key")
            return {dice.choice(keys): value_of(schema.values, dice, depth + 1) for _ in range(dice.randint(0, 2))}
        chance = 0.5 if depth < 3 else 0.3 if depth < 9 else 0.0
        return {
            name: value_of(field.schema, dice, depth + 1)
            for name, field in schema.fields.items()
            if field.required or dice.random() < chance
        }
    if schema.type == "array":
        assert schema.items is not None
        return [value_of(schema.items, dice, depth + 1) for _ in range(dice.randint(0, 2))]
    if schema.format == "quantity":
        return dice.choice(AMOUNTS)
    if schema.format == "int-or-string":
        return dice.choice((0, 80, 70000, "http", ""))
    if schema.type == "string":
        return TIMES.get(schema.format) or dice.choice(WORDS)
    if schema.shape is not None and not schema.type:
        return {}  # a schema within a schema, or what stands in its place
    return {"integer": dice.choice((-1, 0, 1, 80, 70000)), "boolean": dice.random() < 0.5}.get(schema.type, 1)


def made(kind: Kind, dice: random.Random) -> dict[str, Any]:
    body = value_of(kind.schema, dice) or {}
    body.update(apiVersion=kind.api_version, kind=kind.kind, metadata={"name": "a", "namespace": "ns"})
    encoded = msgspec.json.encode(body)
    return decode(encoded, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_any_object_runs_through_every_rule(kind: Kind):
    dice = random.Random(kind.kind)
    old = made(kind, dice)
    kind.default(old)
    for _ in range(40):
        new = made(kind, dice)
        kind.default(new)
        kind.prepare_create(new)
        errors = [*kind.validate(new), *kind.validate_create(new), *kind.validate_update(new, old)]
        if kind.prepare_update is not None:
            kind.prepare_update(new, old)
        for sub in kind.subresources:
            if sub.prepare_update is not None:
                changed = made(kind, dice)
                kind.default(changed)
                sub.prepare_update(changed, old)
                errors += sub.validate_update(changed, old)
        assert all(isinstance(str(error), str) for error in errors)
        assert all(isinstance(words, str) for words in kind.warn(new))
        assert all(isinstance(value, str) for value in kind.selectable(new).values())
        msgspec.json.encode([column.cell(new) for column in kind.columns])
        old = new
