"""The expressions of policies and webhooks, compiled to see what is wrong with them.

Source: kubernetes/pkg/apis/admissionregistration/validation (validateCELCondition), apiserver/pkg/admission/plugin/cel.
"""

from collections.abc import Mapping, Sequence

from apiserver.cel import CompileError, Program, Unavailable, admission, compile
from apiserver.cel.types import DYN, CelType, Object
from podling.api import field
from podling.api.field import ErrorList, Path

ANY: tuple[str, ...] = ()
FAILED = "compilation failed: "


class Environment:
    """The variables of one policy: grows by the policy's own (`add`), in their order."""

    def __init__(
        self, params: bool = False, composed: bool = False, written: CelType = DYN, parameter: CelType = DYN
    ) -> None:
        self._params, self._written, self._parameter = params, written, parameter
        self._variables: dict[str, CelType] | None = {} if composed else None
        self._parts: dict[str, str] = {}
        self._declared: dict[tuple[bool, bool], dict[str, CelType]] = {}

    def compile(
        self,
        expression: str,
        returns: Sequence[str] = ANY,
        authorizer: bool = True,
        params: bool | None = None,
        makes: Mapping[str, Object] | None = None,
    ) -> Program:
        """Raises `CompileError` in Kubernetes' words, `Unavailable`."""
        wanted = (self._params if params is None else params, authorizer)
        if wanted not in self._declared:
            self._declared[wanted] = admission.declared(*wanted, self._variables, self._written, self._parameter)
        try:
            program = compile(expression, self._declared[wanted], makes=makes, parts=self._parts)
        except CompileError as error:
            raise CompileError(f"{FAILED}{error}") from None
        if returns and program.type not in returns:
            one = returns[0] if len(returns) == 1 else f"one of [{' '.join(returns)}]"
            raise CompileError(f"must evaluate to {one} but got {program.type}")
        return program

    def add(self, name: str, expression: str) -> Program:
        """A variable of the policy, for the expressions after it; raises `CompileError`."""
        assert self._variables is not None
        kind: CelType = DYN
        try:
            program = self.compile(expression)
            kind, self._parts[name] = program.returns, expression
            return program
        finally:
            self._variables[name] = kind
            self._declared.clear()


def wrong(
    environment: Environment,
    expression: str,
    path: Path,
    returns: Sequence[str] = ANY,
    *,
    shown: str | None = None,
    authorizer: bool = True,
    params: bool | None = None,
    makes: Mapping[str, Object] | None = None,
) -> ErrorList:
    """What keeps the expression from being used; `shown` stands in the message in its place."""
    try:
        environment.compile(expression, returns, authorizer, params, makes)
    except (CompileError, Unavailable) as error:
        return [field.invalid(path, expression if shown is None else shown, str(error))]
    return []


def wrong_condition(expression: str, path: Path) -> ErrorList:
    """A match condition of a webhook."""
    return wrong(Environment(), expression, path, ("bool",))
