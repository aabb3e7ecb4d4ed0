"""PriorityLevelConfiguration: how many requests of a level are served at once, and what becomes of the others.

Source: kubernetes/pkg/apis/flowcontrol/{v1/defaults.go,validation}.
"""

import math
from typing import Any

from apiserver.kinds import columns
from apiserver.kinds.flowcontrol import conditions
from apiserver.kinds.flowcontrol.presets import EXEMPT, GROUP, LEVELS, mandatory_spec
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPE = "flowcontrol.v1.PriorityLevelConfiguration"
SHARES = 30
QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}
MOST_QUEUES = 10_000_000
HASH_BITS = 60  # what one hash of a flow can deal


def default(obj: Object) -> None:
    spec = spec_of(obj)
    if (exempt := spec.get("exempt")) is not None:
        _fill(exempt, {"nominalConcurrencyShares": 0, "lendablePercent": 0})
    if (limited := spec.get("limited")) is None:
        return
    _fill(limited, {"nominalConcurrencyShares": SHARES, "lendablePercent": 0})
    queuing = (limited.get("limitResponse") or {}).get("queuing")
    if queuing is not None:
        queuing.update({name: queuing.get(name) or value for name, value in QUEUING.items()})


def _fill(found: Object, values: Object) -> None:
    found.update({name: value for name, value in values.items() if found.get(name) is None})


def validate(obj: Object) -> ErrorList:
    name, spec = obj["metadata"].get("name", ""), spec_of(obj)
    return _spec(name, spec) + _mandatory(name, spec) + conditions.validate(obj)


def _spec(name: str, spec: Object) -> ErrorList:
    type_, limited, exempt = spec.get("type", ""), spec.get("limited"), spec.get("exempt")
    errors: ErrorList = []
    if (name == EXEMPT) != (type_ == "Exempt"):
        words = "must be 'Exempt' if and only if `name` is 'exempt'"
        errors.append(field.invalid(SPEC.child("type"), type_, words))
    if type_ == "Exempt":
        if limited is not None:
            errors.append(field.forbidden(SPEC.child("limited"), "must be nil if the type is not Limited"))
        if exempt is not None:
            errors += _shares(exempt, SPEC.child("exempt")) + _percent(exempt, SPEC.child("exempt"))
    elif type_ == "Limited":
        if exempt is not None:
            errors.append(field.forbidden(SPEC.child("exempt"), "must be nil if the type is Limited"))
        if limited is None:
            errors.append(field.required(SPEC.child("limited"), "must not be empty when type is Limited"))
        else:
            errors += _limited(limited, SPEC.child("limited"))
    else:
        errors.append(field.not_supported(SPEC.child("type"), type_, ("Exempt", "Limited")))
    return errors


def _shares(found: Object, path: Path) -> ErrorList:
    shares = found.get("nominalConcurrencyShares") or 0
    words = "must be a non-negative integer"
    return [field.invalid(path.child("nominalConcurrencyShares"), shares, words)] if shares < 0 else []


def _percent(found: Object, path: Path) -> ErrorList:
    percent = found.get("lendablePercent") or 0
    if 0 <= percent <= 100:
        return []
    return [field.invalid(path.child("lendablePercent"), percent, "must be between 0 and 100, inclusive")]


def _limited(limited: Object, path: Path) -> ErrorList:
    errors = _shares(limited, path) + _response(limited.get("limitResponse") or {}, path.child("limitResponse"))
    errors += _percent(limited, path)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        words = "if specified, must be a non-negative integer"
        errors.append(field.invalid(path.child("borrowingLimitPercent"), borrowing, words))
    return errors


def _response(response: Object, path: Path) -> ErrorList:
    type_, queuing, here = response.get("type", ""), response.get("queuing"), path.child("queuing")
    if type_ == "Reject":
        words = "must be nil if limited.limitResponse.type is not Limited"
        return [] if queuing is None else [field.forbidden(here, words)]
    if type_ != "Queue":
        return [field.not_supported(path.child("type"), type_, ("Queue", "Reject"))]
    if queuing is None:
        return [field.required(here, "must not be empty if limited.limitResponse.type is Limited")]
    return _queuing(queuing, here)


def _queuing(queuing: Object, path: Path) -> ErrorList:
    queues, hand, length = (queuing.get(name) or 0 for name in QUEUING)
    errors: ErrorList = []
    if length <= 0:
        errors.append(field.invalid(path.child("queueLengthLimit"), length, "must be positive"))
    if queues <= 0:
        errors.append(field.invalid(path.child("queues"), queues, "must be positive"))
    elif queues > MOST_QUEUES:
        errors.append(field.invalid(path.child("queues"), queues, f"must not be greater than {MOST_QUEUES}"))
    at = path.child("handSize")
    if hand <= 0:
        errors.append(field.invalid(at, hand, "must be positive"))
    elif hand > queues:
        errors.append(field.invalid(at, hand, f"should not be greater than queues ({queues})"))
    elif math.ceil(math.log2(queues) * hand) > HASH_BITS:
        sizes = f"deckSize {queues} and handSize {hand}"
        errors.append(
            field.invalid(at, hand, f"required entropy bits of {sizes} should not be greater than {HASH_BITS}")
        )
    return errors


def _mandatory(name: str, spec: Object) -> ErrorList:
    fixed = mandatory_spec(LEVELS, name)
    if fixed is None:
        return []
    if name == EXEMPT:  # whose `exempt` may be written
        if {**spec, "exempt": None} == {**fixed, "exempt": None}:
            return []
        words = f"spec of '{name}' except the 'spec.exempt' field must equal the fixed value"
    elif spec == fixed:
        return []
    else:
        words = f"spec of '{name}' must equal the fixed value"
    return [field.invalid(SPEC, internal(spec, f"{TYPE}Spec"), words)]


def _cell(*names: str) -> Any:
    """A number below spec.limited, or that there is none."""

    def cell(obj: Object) -> Any:
        found: Any = spec_of(obj).get("limited")
        for name in names:
            found = None if found is None else found.get(name)
        return columns.NONE if found is None else found

    return cell


_QUEUING = "flowcontrol.v1.QueuingConfiguration"

PRIORITY_LEVEL = Kind(
    group=GROUP,
    version="v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    namespaced=False,
    schema=schema(TYPE),
    default=default,
    prepare_create=drop_status(TYPE),
    prepare_update=keep_status,
    validate=validate,
    generation=("spec",),
    subresources=(status(conditions.validate_status),),
    columns=(
        columns.NAME,
        columns.shown("Type", f"{TYPE}Spec", "spec.type"),
        Column(
            "NominalConcurrencyShares",
            "string",
            columns.documented("flowcontrol.v1.LimitedPriorityLevelConfiguration", "nominalConcurrencyShares"),
            _cell("nominalConcurrencyShares"),
        ),
        *(
            Column(
                name[0].upper() + name[1:],
                "string",
                columns.documented(_QUEUING, name),
                _cell("limitResponse", "queuing", name),
            )
            for name in QUEUING
        ),
        columns.AGE,
    ),
)
