"""Rules in a schema, `x-kubernetes-validations`, compiled: what each asks of `self`, and of `oldSelf` on an update.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/{compilation,validation}.go. Costs are not counted:
the engine does not tell them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from apiserver.cel.errors import CelError, EvalError
from apiserver.cel.program import Inputs, Program, compile
from apiserver.cel.tokens import tokens
from apiserver.cel.types import CelType, List
from apiserver.structural.celtypes import type_of
from apiserver.structural.fieldpath import FieldPathError, resolve
from apiserver.structural.node import MISSING, Node, Object, same
from apiserver.structural.values import earlier
from podling.api import field as errors
from podling.api.field import ErrorList, FieldError, Path

Forgiven = Callable[[], bool]  # what did not change may break rules, but for those of transitions

VALIDATIONS = "x-kubernetes-validations"
_MESSAGE_BYTES = 5 * 1024
_OLD, _OLDS = "oldSelf", "oldSelves"
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


@dataclass(frozen=True)
class Rule:
    """`error` and `message_error` say why there is no program; a rule that nobody wrote has neither."""

    said: Object
    program: Program | None = None
    message: Program | None = None
    error: str = ""
    message_error: str = ""
    at: str = ""  # the field that is to blame, below the value: ".code"

    @property
    def uses_old(self) -> bool:
        return self.program is not None and bool({_OLD, _OLDS} & self.program.mentions)

    @property
    def text(self) -> str:
        return str(self.said.get("message") or self.said["rule"]).strip()


@dataclass(frozen=True)
class Rules:
    """The rules of one node and of those below it."""

    node: Node
    here: tuple[Rule, ...] = ()
    properties: Mapping[str, "Rules"] = field(default_factory=dict)
    values: "Rules | None" = None
    items: "Rules | None" = None


def rules_of(node: Node | None, *, root: bool = False) -> Rules | None:
    """All rules in a schema, None where there are none."""
    if node is None or not has_rules(node):
        return None
    return Rules(
        node,
        compile_rules(node, root=root),
        {
            name: rules
            for name, child in node.properties.items()
            if (rules := rules_of(child, root=child.embedded)) is not None
        },
        rules_of(node.values, root=node.values.embedded) if isinstance(node.values, Node) else None,
        rules_of(node.items, root=node.items.embedded) if node.items is not None else None,
    )


def has_rules(node: Node) -> bool:
    return bool(node.props.get(VALIDATIONS)) or any(has_rules(each) for each in node.below)


def compile_rules(node: Node, *, root: bool) -> tuple[Rule, ...]:
    """The rules of this node alone."""
    said = node.props.get(VALIDATIONS) or ()
    kind = type_of(node, root=root) if said else None
    return tuple(_compiled(each, kind, node) for each in said)


def _compiled(said: Object, kind: CelType | None, node: Node) -> Rule:
    expression, wording = said.get("rule") or "", said.get("messageExpression") or ""
    if kind is None or not expression.strip():
        return Rule(said)
    variables = {"self": kind, _OLD: kind}
    if said.get("optionalOldSelf"):
        # An optional is what an optional index gives; the engine has no variables of that type.
        variables = {"self": kind, _OLDS: List(kind)}
        expression, wording = _optional(expression), _optional(wording)
    try:
        program = compile(expression, variables)
    except CelError as error:
        return Rule(said, error=f"compilation failed: {error}")
    if program.type != "bool":
        return Rule(said, error="cel expression must evaluate to a bool")
    message, message_error = _message(wording, variables)
    return Rule(said, program, message, "", message_error, _blamed(said.get("fieldPath") or "", node))


def _optional(expression: str) -> str:
    """With `oldSelf` an optional: `oldSelves[?0]`."""
    out, end, before = "", 0, ""
    for token in tokens(expression):
        text = f"{_OLDS}[?0]" if token.kind == "name" and token.text == _OLD and before != "." else token.text
        out += expression[end : token.start] + text
        end, before = token.start + len(token.text), token.text
    return out + expression[end:]


def _message(wording: str, variables: Mapping[str, CelType]) -> tuple[Program | None, str]:
    if not wording:
        return None, ""
    try:
        message = compile(wording, variables)
    except CelError as error:
        return None, f"messageExpression compilation failed: {error}"
    if message.type != "string":
        return None, "messageExpression must evaluate to a string"
    return message, ""


def _blamed(text: str, node: Node) -> str:
    try:
        return str(resolve(text, node)[1]) if text else ""
    except FieldPathError:
        return ""


def _never() -> bool:
    return False


def blocked(found: ErrorList) -> bool:
    return any(error.reason in _BLOCKING for error in found)


def check(rules: Rules | None, new: Object, old: Object | None, found: ErrorList) -> ErrorList:
    """What the rules say; nothing but that they were not asked, where `found` tells of what they rely on."""
    if rules is None:
        return []
    if blocked(found):
        return [_BLOCKED]
    return _check(rules, new, MISSING if old is None else old, Path(), _never if old is None else bool)


def check_default(node: Node, path: Path) -> ErrorList:
    """What rules say of a default: it is asked about as if nothing else had ever been."""
    rules = rules_of(node, root=node.embedded)
    return _check(rules, node.default, node.default, path, _never) if rules is not None else []


def _check(rules: Rules, value: Any, old: Any, path: Path, forgiven: Forgiven) -> ErrorList:
    """`old` is the value that this one was, MISSING where that is not known: then what is around it tells whether
    anything changed."""
    if value is None:
        return []
    unchanged = forgiven if old is MISSING or forgiven is _never else partial(same, value, old)
    found = _ask(rules, value, old, path, unchanged)
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, item in sorted(value.items()):
            stood = before.get(name, MISSING)
            if rules.values is not None:
                found += _check(rules.values, item, stood, path.key(name), unchanged)
            if name in rules.properties:
                found += _check(rules.properties[name], item, stood, path.child(name), unchanged)
    elif isinstance(value, list) and rules.items is not None:
        stood_at = earlier(rules.node, old)
        for position, item in enumerate(value):
            found += _check(rules.items, item, stood_at(item), path.index(position), unchanged)
    return found


def _ask(rules: Rules, value: Any, old: Any, path: Path, unchanged: Forgiven) -> ErrorList:
    found: ErrorList = []
    known = old is not MISSING and old is not None
    inputs = Inputs({"self": value, _OLD: old, _OLDS: [old]} if known else {"self": value, _OLDS: []})
    for rule in rules.here:
        if rule.error:
            found.append(errors.invalid(path, rules.node.type, f"rule compile error: {rule.error}"))
        if rule.program is None or (rule.uses_old and not known and not rule.said.get("optionalOldSelf")):
            continue
        try:
            holds = rule.program.eval(inputs)
        except EvalError as error:
            found.append(errors.invalid(path, rules.node.type, _failed(str(error), rule)))
            continue
        if holds is not True and (rule.uses_old or not unchanged()):
            found.append(_broken(rule, inputs, value, rules.node, path))
    return found


def _failed(words: str, rule: Rule) -> str:
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
