"""Taints of nodes, and the effects that tolerations share with them.

Source: kubernetes/pkg/apis/core/validation.validateNodeTaints.
"""

import json
from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def validate_taints(taints: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[tuple[str, str]] = set()
    for position, taint in enumerate(taints):
        here = path.index(position)
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        errors += names.each(here.child("key"), key, names.qualified(key))
        if messages := names.label_value(value):
            errors.append(field.invalid(here.child("value"), value, ";".join(messages)))
        errors += validate_effect(effect, here.child("effect"))
        if (key, effect) in seen:
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            words = json.dumps(shown, separators=(",", ":")) + ": taints must be unique by key and effect pair"
            text = f"Duplicate value: {words}"
            errors.append(FieldError("FieldValueDuplicate", str(here), text))
        seen.add((key, effect))
    return errors


def validate_effect(effect: str, path: Path, *, may_be_empty: bool = False) -> ErrorList:
    if not effect:
        return [] if may_be_empty else [field.required(path)]
    return [] if effect in EFFECTS else [field.not_supported(path, effect, EFFECTS)]
