"""Conditions of meta.v1: what is so of an object, since when and why.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation.ValidateConditions.
"""

import re
from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

STATES = ("False", "True", "Unknown")
MOST_REASON, MOST_MESSAGE = 1024, 32 * 1024
_REASON = re.compile("[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_REASON_WORDS = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
    "'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
    f"'{_REASON.pattern}')"
)


def validate_conditions(found: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for place, each in enumerate(found):
        kind = each.get("type", "")
        if kind in seen:
            errors.append(field.duplicate(path.index(place).child("type"), kind))
        seen.add(kind)
        errors += _condition(each, path.index(place))
    return errors


def _condition(each: Object, path: Path) -> ErrorList:
    kind, value, reason = each.get("type", ""), each.get("status", ""), each.get("reason", "")
    errors = names.each(path.child("type"), kind, names.qualified(kind))
    if value not in STATES:
        errors.append(field.not_supported(path.child("status"), value, STATES))
    if (generation := each.get("observedGeneration") or 0) < 0:
        words = "must be greater than or equal to zero"
        errors.append(field.invalid(path.child("observedGeneration"), generation, words))
    if not each.get("lastTransitionTime"):
        errors.append(field.required(path.child("lastTransitionTime"), "must be set"))
    if not reason:
        errors.append(field.required(path.child("reason"), "must be set"))
    elif not _REASON.fullmatch(reason):
        errors.append(field.invalid(path.child("reason"), reason, _REASON_WORDS))
    if len(reason.encode()) > MOST_REASON:
        errors.append(field.too_long(path.child("reason"), MOST_REASON))
    if len(each.get("message", "").encode()) > MOST_MESSAGE:
        errors.append(field.too_long(path.child("message"), MOST_MESSAGE))
    return errors
