"""Rules in a schema, `x-kubernetes-validations`, compiled: what each asks of `self`, and of `oldSelf` on an update.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from apiserver.cel.errors import CelError
from apiserver.cel.program import Program, compile
from apiserver.cel.tokens import tokens
from apiserver.cel.types import CelType, List
from apiserver.structural.celtypes import type_of
from apiserver.structural.fieldpath import FieldPathError, resolve
from apiserver.structural.node import Node, Object

VALIDATIONS = "x-kubernetes-validations"
OLD, OLDS = "oldSelf", "__o"
OPTIONAL = f"{OLDS}[?0]"  # as long as `oldSelf`, so that mistakes stand where they stood


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
        return self.program is not None and bool({OLD, OLDS} & self.program.mentions)

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
    return tuple(compile_rule(each, kind, node) for each in said)


class Asked(NamedTuple):
    """A rule and its messageExpression as the engine is asked, and the variables of both."""

    expression: str
    wording: str
    variables: Mapping[str, CelType]


def asked(said: Object, kind: CelType) -> Asked:
    expression, wording = said.get("rule") or "", said.get("messageExpression") or ""
    if said.get("optionalOldSelf"):
        # An optional is what an optional index gives; the engine has no variables of that type.
        return Asked(_optional(expression), _optional(wording), {"self": kind, OLDS: List(kind)})
    return Asked(expression, wording, {"self": kind, OLD: kind})


def compile_rule(said: Object, kind: CelType | None, node: Node) -> Rule:
    """`kind` is the node's type, None where rules see none."""
    if kind is None or not (said.get("rule") or "").strip():
        return Rule(said)
    expression, wording, variables = asked(said, kind)
    try:
        program = compile(expression, variables)
    except CelError as error:
        return Rule(said, error=f"compilation failed: {_as_written(error)}")
    if program.type != "bool":
        return Rule(said, error="cel expression must evaluate to a bool")
    message, message_error = _message(wording, variables)
    return Rule(said, program, message, "", message_error, _blamed(said.get("fieldPath") or "", node))


def _optional(expression: str) -> str:
    """With `oldSelf` an optional."""
    out, end, before = "", 0, ""
    for token in tokens(expression):
        text = OPTIONAL if token.kind == "name" and token.text == OLD and before != "." else token.text
        out += expression[end : token.start] + text
        end, before = token.start + len(token.text), token.text
    return out + expression[end:]


def _as_written(error: CelError) -> str:
    return str(error).replace(OPTIONAL, OLD)


def _message(wording: str, variables: Mapping[str, CelType]) -> tuple[Program | None, str]:
    if not wording:
        return None, ""
    try:
        message = compile(wording, variables)
    except CelError as error:
        return None, f"messageExpression compilation failed: {_as_written(error)}"
    if message.type != "string":
        return None, "messageExpression must evaluate to a string"
    return message, ""


def _blamed(text: str, node: Node) -> str:
    try:
        return str(resolve(text, node)[1]) if text else ""
    except FieldPathError:
        return ""
