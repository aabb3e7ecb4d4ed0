"""A policy's expressions, compiled once, and what they are worth for one write.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/{composition,activation}.go.
"""

from collections.abc import Mapping
from typing import Any

from apiserver.admission.conditions import Expression, MatchConditions
from apiserver.cel import CompileError, EvalError, Inputs
from apiserver.cel.engine import evaluator
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
    """The expressions of a policy over one write and one object of parameters. Variables have a value when an
    expression asks for them, once."""

    def __init__(self, policy: Compiled, values: Mapping[str, Any]) -> None:
        self.inputs = Inputs(values)
        self._policy = policy
        self._found: dict[str, Any] = {}
        self._failed: dict[str, str] = {}

    def ask(self, expression: Expression) -> Any:
        """Raises `EvalError`."""
        program = expression.program
        if program is None or "variables" not in program.mentions:
            return expression.ask(self.inputs)
        names = selected(program.expression, "variables")
        values = {**self.inputs, "variables": {name: self._found[name] for name in names if self._has(name)}}
        try:
            return expression.ask(values)
        except EvalError as error:
            for name in names & self._failed.keys():
                if str(error).endswith(f": no such key: {name}"):
                    words = str(error).removesuffix(f"no such key: {name}") + self._failed[name]
                    raise EvalError(words) from None
            raise

    def _has(self, name: str) -> bool:
        """Has the variable a value?"""
        variable = self._policy.variables.get(name)
        if variable is None or name in self._found or name in self._failed:
            return name in self._found
        self._failed[name] = f"variable {name} is its own"  # until it has a value
        if variable.program is None:
            self._failed[name] = f'composited variable "{name}" fails to compile: {variable.why}'
            return False
        try:
            self._found[name] = evaluator().out(self.ask(variable))
            del self._failed[name]
        except EvalError as error:
            why = str(error).removeprefix(f"expression '{variable.text}' resulted in error: ")
            self._failed[name] = f'composited variable "{name}" fails to evaluate: {why}'
        return name in self._found
