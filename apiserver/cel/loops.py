"""Loops that turn more often than the engine allows at once (10,000 times) are asked part by part.

    self.all(x, self.exists_one(y, x.name == y.name))     of 300 items: each 30 of them are asked about all 300

Only what is true or false can be put together again: `all`, `exists` and `exists_one`, and what is made of them by
`&&`, `||`, `!` and `?:`. Kubernetes stops an expression at a cost of 1,000,000, which is some 150,000 turns.
"""

from collections.abc import Callable, Mapping
from typing import Any

from apiserver.cel.engine import evaluator
from apiserver.cel.errors import EvalError
from podling.pb.expr.expr_pb2 import Expr, ParsedExpr

BUDGET = "Iteration budget exceeded"
PART = "@part"
_PARTS = 64

Ask = Callable[[Any, Mapping[str, Any]], Any]  # an expression of the engine's, its variables; raises `EvalError`


def is_spent(error: EvalError) -> bool:
    return str(error).startswith(BUDGET)


class Parts:
    """One evaluation; `given` are the variables as the engine takes them."""

    def __init__(self, run: Any, given: Mapping[str, Any], ask: Ask) -> None:
        self._tree, self._type = evaluator().tree(run)
        self._given, self._ask, self._left = given, ask, _PARTS

    def value(self) -> Any:
        """Raises `EvalError`: `Iteration budget exceeded` where parts are too many."""
        return self._value(self._tree.expr)

    def _value(self, expr: Expr) -> Any:
        try:
            return self._once(expr)
        except EvalError as error:
            if not is_spent(error):
                raise
            return self._apart(expr, error)

    def _once(self, expr: Expr, part: Any = None) -> Any:
        tree = ParsedExpr()
        tree.CopyFrom(self._tree)
        tree.expr.CopyFrom(expr)
        given = self._given if part is None else {**self._given, PART: part}
        return self._ask(evaluator().of_tree(tree, self._type), given)

    def _apart(self, expr: Expr, error: EvalError) -> Any:
        call = expr.call_expr
        match call.function:
            case "_&&_":
                return self._either(call.args[0], call.args[1], False)
            case "_||_":
                return self._either(call.args[0], call.args[1], True)
            case "!_":
                return not self._value(call.args[0])
            case "_?_:_":
                return self._value(call.args[1 if self._value(call.args[0]) else 2])
        if not expr.HasField("comprehension_expr"):
            raise error
        return self._loop(expr, error)

    def _either(self, one: Expr, other: Expr, enough: bool) -> bool:
        """What is enough on one side is, whatever the other says."""
        try:
            if self._value(one) == enough:
                return enough
        except EvalError:
            if self._value(other) == enough:
                return enough
            raise
        return bool(self._value(other))

    def _loop(self, expr: Expr, error: EvalError) -> bool:
        part = Expr()
        part.CopyFrom(expr)
        loop = part.comprehension_expr
        kind = loop.loop_step.call_expr.function
        counts = kind == "_?_:_" and loop.accu_init.const_expr.WhichOneof("constant_kind") == "int64_value"
        if kind not in ("_&&_", "_||_") and not counts:
            raise error
        items = self._items(expr.comprehension_expr.iter_range)
        loop.iter_range.ident_expr.name = PART
        if counts:
            loop.result.ident_expr.name = loop.accu_var
        total = 0
        for found in self._each(part, items, error):
            if not counts and found is (kind == "_||_"):
                return kind == "_||_"
            total += int(found)
        return total == 1 if counts else kind == "_&&_"

    def _items(self, expr: Expr) -> list[Any]:
        found = _at(expr, self._given)
        return list(evaluator().out(self._value(expr)) if found is None else found)

    def _each(self, part: Expr, items: list[Any], error: EvalError) -> Any:
        """What each part of the items gives; parts get smaller until the engine is content."""
        size, start = max(len(items) // 4, 1), 0
        while start < len(items):
            if not self._left:
                raise error
            self._left -= 1
            try:
                yield self._once(part, items[start : start + size])
            except EvalError as spent:
                if not is_spent(spent) or size == 1:
                    raise
                size //= 2
                continue
            start += size


def _at(expr: Expr, given: Mapping[str, Any]) -> Any:
    """What a plain way leads to, `self.spec.ports`; None where it is none."""
    if expr.HasField("ident_expr"):
        return given.get(expr.ident_expr.name)
    if not expr.HasField("select_expr") or expr.select_expr.test_only:
        return None
    within = _at(expr.select_expr.operand, given)
    found = within.get(expr.select_expr.field) if isinstance(within, dict) else None
    return found if isinstance(found, list | dict) else None
