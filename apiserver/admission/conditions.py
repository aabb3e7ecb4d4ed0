"""Match conditions: all must be true for a webhook or a policy to be asked.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apiserver.cel import CompileError, EvalError, Inputs, Program
from apiserver.kinds.admissionregistration.expressions import Environment


class Expression:
    """A text that should be an expression; what is wrong with it is told when it is asked."""

    def __init__(self, text: str, program: Program | None, why: str = "") -> None:
        self.text, self.program, self.why = text, program, why

    @classmethod
    def of(cls, text: str, environment: Environment, **options: Any) -> "Expression":
        """Raises `Unavailable`."""
        try:
            return cls(text, environment.compile(text, **options))
        except CompileError as error:
            return cls(text, None, str(error))

    def ask(self, values: Mapping[str, Any]) -> Any:
        """Raises `EvalError` in Kubernetes' words."""
        if self.program is None:
            raise EvalError(f"compilation error: {self.why}")
        try:
            return self.program.eval(values)
        except EvalError as error:
            raise EvalError(f"expression '{self.text}' resulted in error: {error}") from None


class MatchConditions:
    def __init__(self, conditions: Iterable[Mapping[str, Any]], params: bool, may_fail: bool) -> None:
        environment = Environment(params=params)
        self._may_fail = may_fail
        self._expressions = [
            Expression.of(each["expression"].strip(), environment, returns=("bool",)) for each in conditions
        ]

    def __bool__(self) -> bool:
        return bool(self._expressions)

    def hold(self, values: Inputs) -> bool:
        """One that is false decides, whatever is wrong with others; raises `EvalError` where that decides."""
        wrong: list[str] = []
        for expression in self._expressions:
            try:
                if expression.ask(values) is False:
                    return False
            except EvalError as error:
                wrong.append(str(error))
        if wrong and not self._may_fail:
            raise EvalError(wrong[0] if len(wrong) == 1 else f"[{', '.join(dict.fromkeys(wrong))}]")
        return not wrong
