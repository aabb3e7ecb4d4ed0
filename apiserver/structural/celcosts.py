"""What the rules of a schema cost at most, and whether that is too much.

A rule is asked once for each value that it stands at: as often as the lists and maps around it allow, or else as often
as such values fit into a request. Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation
(cel_validation.go, getExpressionCost, getCostErrorMessage).
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from apiserver.cel import callcosts
from apiserver.cel.costs import MAX, times
from apiserver.cel.estimate import estimate
from apiserver.cel.program import checked
from apiserver.cel.types import CelType
from apiserver.structural.celrules import OLD, OLDS, Rule, asked
from apiserver.structural.celsizes import Declared, Sized, times_within
from apiserver.structural.node import Props
from podling.api import field as errors
from podling.api.field import ErrorList, FieldError, Path
from podling.pb.expr.expr_pb2 import CheckedExpr, Expr

RULE_LIMIT = 10_000_000
SCHEMA_LIMIT = 100_000_000
_DEAREST = 4  # as many rules are named where all together cost too much
_WHOLE = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
_ADVICE = "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings "


class Costs(NamedTuple):
    """Of asking a rule once, and of its messageExpression; 0 of what is not there or does not compile."""

    rule: int
    message: int


def costs(rule: Rule, kind: CelType, sized: Sized) -> Costs:
    expression, wording, variables = asked(rule.said, kind)
    sizes = Declared(sized)

    def cost(text: str) -> int:
        return estimate(_with_variable(checked(text, variables)), sizes, callcosts.call)

    return Costs(cost(expression) if rule.program else 0, cost(wording) if rule.message else 0)


def _with_variable(tree: CheckedExpr) -> CheckedExpr:
    """`oldSelf`, where that is an optional, as it was written."""
    _restore(tree.expr)
    return tree


def _restore(expr: Expr) -> None:
    call = expr.call_expr
    if call.function == "_[?_]" and call.args[0].ident_expr.name == OLDS:
        expr.ident_expr.name = OLD
    for _, part in expr.ListFields():
        _restore_within(part)


def _restore_within(part: Any) -> None:
    if isinstance(part, Expr):
        _restore(part)
    elif hasattr(part, "ListFields"):
        for _, inner in part.ListFields():
            _restore_within(inner)
    elif hasattr(part, "__iter__") and not isinstance(part, str | bytes):
        for each in part:
            _restore_within(each)


@dataclass
class Budget:
    """What all rules of a schema cost. `lenient`: the schema is stored as it is, so that no single rule is refused."""

    lenient: bool = False
    spent: int = 0
    dearest: list[tuple[int, Path]] = field(default_factory=list)

    def spend(self, cost: int, path: Path) -> None:
        self.spent = min(self.spent + cost, MAX)
        if cost >= SCHEMA_LIMIT // 100:
            self.dearest = sorted([*self.dearest, (cost, path)], key=lambda each: -each[0])[:_DEAREST]

    def ask(self, cost: int, path: Path, what: str) -> ErrorList:
        """What is said of one expression; its cost counts."""
        self.spend(cost, path)
        if self.lenient or cost <= RULE_LIMIT:
            return []
        return [errors.forbidden(path, exceeded(f"estimated {what} cost", cost, RULE_LIMIT))]

    def total(self, path: Path) -> ErrorList:
        """What is said of all together."""
        if self.spent <= SCHEMA_LIMIT:
            return []
        words = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        found: list[FieldError] = [errors.forbidden(at, words) for _, at in self.dearest]
        return [*found, errors.forbidden(path, exceeded(_WHOLE, self.spent, SCHEMA_LIMIT))]


def exceeded(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{what} exceeds budget by factor of {shown} ({_ADVICE}are declared)"


def asked_at_most(cost: int, times_around: int | None, sized: Sized) -> int:
    """`times_around` is how many values the lists and maps around allow, None where one of them has no limit."""
    return times(cost, times_within(sized) if times_around is None else times_around)


def times_below(props: Props, times_around: int | None) -> int | None:
    """The same for what is below a schema."""
    name = ""
    if props.get("type") == "object" and props.get("additionalProperties") is not None:
        name = "maxProperties"
    elif props.get("type") == "array":
        name = "maxItems"
    if times_around is None or not name:
        return times_around
    limit = props.get(name)
    return None if limit is None else times(times_around, max(int(limit), 0))
