"""Match conditions: named CEL expressions that say whether a webhook or a policy is asked at all.

Source: kubernetes/pkg/apis/admissionregistration/validation (validateMatchConditions).
"""

from collections.abc import Callable, Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

MOST = 64

Compile = Callable[[str, Path], ErrorList]


def validate(conditions: Sequence[Object], path: Path, compiled: Compile) -> ErrorList:
    """`compiled` (expression, path) tells what is wrong with an expression."""
    errors: ErrorList = [field.too_many(path, len(conditions), MOST)] if len(conditions) > MOST else []
    seen: set[str] = set()
    for position, condition in enumerate(conditions):
        here, name = path.index(position), condition.get("name", "")
        expression = condition.get("expression", "").strip()
        errors += (
            compiled(expression, here.child("expression")) if expression else [field.required(here.child("expression"))]
        )
        errors += (
            names.each(here.child("name"), name, names.qualified(name))
            if name
            else [field.required(here.child("name"))]
        )
        if name in seen:
            errors.append(field.duplicate(here.child("name"), name))
        elif name:
            seen.add(name)
    return errors
