"""Which devices are meant: expressions over a device; and the opaque configuration that goes to its driver.

Source: validateSelector and validateOpaqueConfiguration of kubernetes/pkg/apis/resource/validation,
k8s.io/dynamic-resource-allocation/cel.
"""

import json

from apiserver import cel
from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.resource.lists import validate_list
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_SELECTORS, MOST_CONFIGS, MOST_EXPRESSION, MOST_PARAMETERS = 32, 32, 10 * 1024, 10 * 1024
DEVICE = cel.Object(
    {
        "driver": cel.STRING,
        "attributes": cel.Map(cel.Map(cel.DYN)),
        "capacity": cel.Map(cel.Map(cel.QUANTITY)),
        "allowMultipleAllocations": cel.BOOL,
    },
    name="kubernetes.DRADevice",
)


def validate_selectors(selectors: list[Object] | None, path: Path) -> ErrorList:
    return validate_list(selectors, MOST_SELECTORS, _selector, path)


def _selector(selector: Object, path: Path) -> ErrorList:
    if selector.get("cel") is None:
        return [field.required(path.child("cel"))]
    expression, here = selector["cel"].get("expression", ""), path.child("cel", "expression")
    if len(expression.encode()) > MOST_EXPRESSION:
        return [field.too_long(here, MOST_EXPRESSION)]
    try:
        returned = cel.compile(expression, {"device": DEVICE}).type
    except cel.CompileError as error:
        return [field.invalid(here, expression, f"compilation failed: {error}")]
    if returned not in ("bool", "dyn"):
        return [field.invalid(here, expression, f"must evaluate to bool or the unknown type, not {returned}")]
    return []


def validate_config(config: Object, path: Path) -> ErrorList:
    opaque, here = config.get("opaque"), path.child("opaque")
    if opaque is None:
        return [field.required(here)]
    errors = names.driver(opaque.get("driver", ""), here.child("driver"))
    return errors + validate_raw(opaque.get("parameters"), here.child("parameters"))


def validate_raw(raw: object, path: Path, most: int = MOST_PARAMETERS) -> ErrorList:
    """Any JSON object, of a bounded size."""
    if raw is None:
        return [field.required(path)]
    if len(json.dumps(raw, separators=(",", ":")).encode()) > most:
        return [field.too_long(path, most)]
    return [] if isinstance(raw, dict) else [field.invalid(path, "<value omitted>", "must be a valid JSON object")]
