"""What rules in a schema (`x-kubernetes-validations`) say of an object.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go. Costs are not counted: the engine does
not tell them. It gives up loops that turn too often (`cel/loops.py`), which is told as the cost that it is.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from apiserver.cel.errors import EvalError
from apiserver.cel.program import Inputs
from apiserver.structural.celrules import OLD, OLDS, Rule, Rules, rules_of
from apiserver.structural.listtype import ordered_like
from apiserver.structural.node import MISSING, Node, Object, same
from apiserver.structural.values import earlier
from podling.api import field as errors
from podling.api.field import ErrorList, FieldError, Path

Forgiven = Callable[[], bool]

_MESSAGE_BYTES = 5 * 1024
_BUDGET = "Iteration budget exceeded"
# Errors after which no rule is asked: the value is not what rules were compiled for.
_BLOCKING = (
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
)
_BLOCKED = errors.invalid(
    Path(),
    "null",
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation",
)


class _Spent(Exception):
    """A rule cost too much: no other is asked."""


def _never() -> bool:
    return False


def blocked(found: ErrorList) -> bool:
    return any(error.reason in _BLOCKING for error in found)


class Spot(NamedTuple):
    """A value, what it was (MISSING where that is not known), where it stands, and whether it may break rules: it may
    where it, or what is around it, did not change."""

    value: Any
    old: Any
    path: Path
    forgiven: Forgiven


@dataclass(frozen=True, slots=True)
class Findings:
    """Rules that are broken, and those that are spared: nothing changed where they look."""

    errors: ErrorList = field(default_factory=list)
    spared: ErrorList = field(default_factory=list)


def check(rules: Rules | None, new: Object, old: Object | None, found: ErrorList) -> ErrorList:
    """What the rules say; nothing but that they were not asked, where `found` tells of what they rely on."""
    if rules is None:
        return []
    return [_BLOCKED] if blocked(found) else ask(rules, new, old).errors


def ask(rules: Rules, new: Object, old: Object | None) -> Findings:
    findings = Findings()
    with suppress(_Spent):
        _check(rules, Spot(new, MISSING if old is None else old, Path(), _never if old is None else bool), findings)
    return findings


def check_default(node: Node, path: Path) -> ErrorList:
    """What rules say of a default: it is asked about as if nothing else had ever been."""
    findings = Findings()
    if (rules := rules_of(node, root=node.embedded)) is None:
        return []
    with suppress(_Spent):
        _check(rules, Spot(node.default, node.default, path, _never), findings)
    return findings.errors


def _check(rules: Rules, spot: Spot, into: Findings) -> None:
    value, old, path, forgiven = spot
    if value is None:
        return
    unchanged = forgiven if old is MISSING or forgiven is _never else partial(same, value, old)
    if rules.here:
        _ask(rules, Spot(value, old, path, unchanged), into)
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, item in sorted(value.items()):
            stood = before.get(name, MISSING)
            if rules.values is not None:
                _check(rules.values, Spot(item, stood, path.key(name), unchanged), into)
            if name in rules.properties:
                _check(rules.properties[name], Spot(item, stood, path.child(name), unchanged), into)
    elif isinstance(value, list) and rules.items is not None:
        stood_at = earlier(rules.node, old)
        for position, item in enumerate(value):
            _check(rules.items, Spot(item, stood_at(item), path.index(position), unchanged), into)


def _ask(rules: Rules, spot: Spot, into: Findings) -> None:
    value, old, path, unchanged = spot
    known = old is not MISSING and old is not None
    if known:
        old = ordered_like(old, value, rules.node)
    inputs = Inputs({"self": value, OLD: old, OLDS: [old]} if known else {"self": value, OLDS: []})
    for rule in rules.here:
        if rule.error:
            into.errors.append(errors.invalid(path, rules.node.type, f"rule compile error: {rule.error}"))
        if rule.program is None or (rule.uses_old and not known and not rule.said.get("optionalOldSelf")):
            continue
        try:
            holds = rule.program.eval(inputs)
        except EvalError as error:
            into.errors.append(errors.invalid(path, rules.node.type, _failed(str(error), rule)))
            if str(error).startswith(_BUDGET):
                raise _Spent from None
            continue
        if holds is not True:
            spared = not rule.uses_old and unchanged()
            (into.spared if spared else into.errors).append(_broken(rule, inputs, value, rules.node, path))


def _failed(words: str, rule: Rule) -> str:
    if words.startswith(_BUDGET):
        end = "no further validation rules will be run due to call cost exceeds limit for rule"
        return f"'operation cancelled: actual cost limit exceeded': {end}: {rule.text}"
    if words.startswith("no such overload"):
        signature = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{words}': {signature}: {rule.text}"
    return f"{words} evaluating rule: {rule.text}"


def _broken(rule: Rule, inputs: Inputs, value: Any, node: Node, path: Path) -> FieldError:
    said = rule.said
    words = _worded(rule, inputs) or (rule.text if said.get("message") else f"failed rule: {rule.text}")
    at = path.child(rule.at) if rule.at else path
    whole = node.type in ("object", "array")
    match said.get("reason"):
        case "FieldValueForbidden":
            return errors.forbidden(at, words)
        case "FieldValueRequired":
            return errors.required(at, words)
        case "FieldValueDuplicate":
            doubled = FieldError("FieldValueDuplicate", str(at), "Duplicate value")
            return doubled if whole else errors.duplicate(at, value)
    return errors.wrong(at, words) if whole else errors.invalid(at, value, words)


def _worded(rule: Rule, inputs: Inputs) -> str:
    """What the rule's messageExpression says, "" where it says nothing fit to print."""
    if rule.message is None:
        return ""
    try:
        words = str(rule.message.eval(inputs)).strip()
    except EvalError:
        return ""
    return "" if "\n" in words or len(words.encode()) > _MESSAGE_BYTES else words
