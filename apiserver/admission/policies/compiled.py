"""A policy's expressions, compiled once, and what they are worth for one write.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/{composition,activation}.go.
"""

from collections.abc import Mapping
from typing import Any

from apiserver.admission.conditions import Expression, MatchConditions
from apiserver.cel import CompileError, EvalError, Inputs
from apiserver.cel.program import PARTS
from apiserver.cel.tokens import selected
from apiserver.kinds.admissionregistration.expressions import Environment

Object = Mapping[str, Any]


class Compiled:
    """What both sorts of policies have. `expression` compiles what only one of them has."""

    def __init__(self, spec: Object) -> None:
        self.params = spec.get("paramKind") is not None
        self.may_fail = spec.get("failurePolicy") == "Ignore"
        self.conditions = MatchConditions(spec.get("matchConditions") or (), self.params, self.may_fail)
        self._environment = Environment(params=self.params, composed=bool(spec.get("variables")))
        self.variables: dict[str, Expression] = {}
        for variable in spec.get("variables") or ():
            self.variables[variable["name"]] = self._variable(variable["name"], variable["expression"])

    def _variable(self, name: str, text: str) -> Expression:
        try:
            return Expression(text, self._environment.add(name, text))
        except CompileError as error:
            return Expression(text, None, str(error))

    def expression(self, text: str, **options: Any) -> Expression:
        return Expression.of(text, self._environment, **options)


class Evaluation:
    """The expressions of a policy over one write and one object of parameters."""

    def __init__(self, policy: Compiled, values: Mapping[str, Any]) -> None:
        self.inputs = Inputs(values)
        self._policy = policy

    def ask(self, expression: Expression) -> Any:
        """Raises `EvalError`."""
        try:
            return expression.ask(self.inputs)
        except EvalError as error:
            raise EvalError(self._blame(str(error), expression)) from None

    def _blame(self, words: str, expression: Expression) -> str:
        """The engine does not tell in which variable it failed: the first that fails in the same way is it."""
        for name in sorted(selected(expression.text, PARTS), key=list(self._policy.variables).index):
            variable = self._policy.variables[name]
            if variable.program is None:
                return f'composited variable "{name}" fails to compile: {variable.why}'
            try:
                variable.program.eval(self.inputs)
            except EvalError as error:
                if words.endswith(str(error)):
                    why = self._blame(str(error), variable)
                    return f'{words.removesuffix(str(error))}composited variable "{name}" fails to evaluate: {why}'
        return words
