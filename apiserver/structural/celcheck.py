"""What rules in a schema (`x-kubernetes-validations`) must be themselves: the words around them, that they compile, and
that they cost little.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from typing import Any, NamedTuple

from apiserver.structural.celcosts import Budget, asked_at_most, costs, times_below
from apiserver.structural.celrules import VALIDATIONS, Rule, compile_rule
from apiserver.structural.celsizes import sized
from apiserver.structural.celtypes import type_of
from apiserver.structural.fieldpath import FieldPathError, resolve
from apiserver.structural.gofields import go_rule
from apiserver.structural.node import Object, Props, parse
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path

WORDING = "messageExpression"
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")


def check_rules(props: Props, path: Path) -> ErrorList:
    """The words of the rules of one schema."""
    found: ErrorList = []
    for position, said in enumerate(props.get(VALIDATIONS) or ()):
        found += _check_words(said, props, path.child(VALIDATIONS).index(position))
    return found


def _check_words(said: Object, props: Props, path: Path) -> ErrorList:
    found: ErrorList = []
    rule, message = said.get("rule") or "", said.get("message") or ""
    if not rule.strip():
        found.append(field.required(path.child("rule"), "rule is not specified"))
    elif message and not message.strip():
        found.append(field.invalid(path.child("message"), message, "message must be non-empty if specified"))
    elif _lines(message.strip()):
        found.append(field.invalid(path.child("message"), message, "message must not contain line breaks"))
    elif _lines(rule.strip()) and not message:
        words = "message must be specified if rule contains line breaks"
        found.append(field.required(path.child("message"), words))
    wording = said.get("messageExpression") or ""
    if wording and not wording.strip():
        words = "messageExpression must be non-empty if specified"
        found.append(field.required(path.child("messageExpression"), words))
    if said.get("reason") is not None and said["reason"] not in REASONS:
        found.append(field.not_supported(path.child("reason"), said["reason"], REASONS))
    return found + _check_path(said.get("fieldPath") or "", props, path.child("fieldPath"))


def _check_path(text: str, props: Props, path: Path) -> ErrorList:
    found: ErrorList = []
    if text and not text.strip():
        found.append(field.invalid(path, text, "fieldPath must be non-empty if specified"))
    if _lines(text):
        found.append(field.invalid(path, text, "fieldPath must not contain line breaks"))
    try:
        resolve(text, parse(props))
    except FieldPathError:
        found.append(field.invalid(path, text, "fieldPath must be a valid path"))
    return found


def _lines(text: str) -> bool:
    return "\n" in text or "\r" in text


class Around(NamedTuple):
    """`uncorrelated` is the list above whose items have no identity, so that no old item is known of a new one; `times`
    is how many such values there may be, None where that has no limit."""

    uncorrelated: Path | None
    times: int | None


def check_programs(props: Any, path: Path, wrong: ErrorList, budget: Budget) -> ErrorList:
    """That all rules in a schema compile, and what they cost; those at and above a place where something else is
    `wrong` are not asked."""
    return _programs(props, path, wrong, Around(None, 1), budget, root=True)


def _programs(
    props: Any, path: Path, wrong: ErrorList, around: Around, budget: Budget, *, root: bool = False
) -> ErrorList:
    if not isinstance(props, dict):
        return []
    found: ErrorList = []
    below = Around(around.uncorrelated, times_below(props, around.times))
    for name, each in sorted((props.get("properties") or {}).items()):
        found += _programs(each, path.child("properties").key(name), wrong, below, budget)
    found += _programs(props.get("additionalProperties"), path.child("additionalProperties"), wrong, below, budget)
    if below.uncorrelated is None and props.get("x-kubernetes-list-type") != "map":
        below = Around(path, below.times)
    found += _programs(props.get("items"), path.child("items"), wrong, below, budget)
    if props.get(VALIDATIONS) and not any(error.field.startswith(str(path)) for error in wrong):
        root = root or bool(props.get("x-kubernetes-embedded-resource"))
        found += _compile(props, path.child(VALIDATIONS), around, budget, root=root)
    return found


def _compile(props: Props, path: Path, around: Around, budget: Budget, *, root: bool) -> ErrorList:
    node = parse(props)
    kind, size = type_of(node, root=root), sized(node, root=root)
    if kind is None or size is None:
        words = "internal error: failed to retrieve type information for x-kubernetes-validations"
        return [FieldError("InternalError", str(path), f"Internal error: {words}")]
    found: ErrorList = []
    for position, said in enumerate(props[VALIDATIONS]):
        rule, at = compile_rule(said, kind, node), path.index(position)
        cost = costs(rule, kind, size)
        found += budget.ask(asked_at_most(cost.rule, around.times, size), at.child("rule"), "rule")
        found += _compiled(rule, at, around.uncorrelated, budget.ask(cost.message, at.child(WORDING), WORDING))
    return found


def _compiled(rule: Rule, path: Path, uncorrelated: Path | None, dear: ErrorList) -> ErrorList:
    """`dear`: what is said of the messageExpression's cost."""
    found: ErrorList = []
    shown = go_rule(rule.said)
    if rule.error:
        found.append(field.invalid(path.child("rule"), shown, rule.error))
    if rule.message_error:
        found.append(field.invalid(path.child(WORDING), shown, rule.message_error))
    found += dear
    if rule.uses_old and uncorrelated is not None:
        words = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
        found.append(field.invalid(path.child("rule"), rule.said["rule"], words))
    elif not rule.uses_old and rule.said.get("optionalOldSelf") is not None:
        words = "may not be set if oldSelf is not used in rule"
        found.append(field.invalid(path.child("optionalOldSelf"), rule.said["optionalOldSelf"], words))
    return found
