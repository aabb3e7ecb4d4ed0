"""An expression that was understood, and what it is asked about."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from apiserver.cel import literals as literals_of
from apiserver.cel import tokens, words
from apiserver.cel.engine import Checker, evaluator
from apiserver.cel.errors import CompileError, EvalError
from apiserver.cel.library import LISTS, OPTIONAL
from apiserver.cel.library.authorizer import ASKED, START, Authorizer
from apiserver.cel.loops import Parts, is_spent
from apiserver.cel.types import CelType, Object, Opaque
from apiserver.cel.values import Convert, converter
from podling.pb.expr.expr_pb2 import CheckedExpr

PARTS = "variables"
_REQUEST = {"authorizer.requestResource": "authorizer_requestResource"}  # parts may ask it where the whole may not
_KEPT = 4096
_CHECKERS = 8  # the rules of one kind come one after another
_checkers: "OrderedDict[tuple[Any, ...], Checker]" = OrderedDict()
_programs: "OrderedDict[tuple[Any, ...], Program]" = OrderedDict()


class Inputs(Mapping[str, Any]):
    """Values that several programs are asked about: what each of them mentions is converted once for all that mention
    the same. Variables of all of them have the same types."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.activations: dict[frozenset[str], Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Program:
    """`type` is the name of what it returns, for messages, `returns` the type itself; `mentions` are the variables that
    it reads."""

    def __init__(
        self,
        expression: str,
        variables: Mapping[str, CelType],
        extensions: Sequence[str],
        makes: Mapping[str, Object],
        parts: Mapping[str, str],
    ) -> None:
        self.expression = expression
        dotted = {name: name.replace(".", "_") for name in variables if "." in name}
        expression = tokens.joined(expression, dotted)
        variables = {dotted.get(name, name): kind for name, kind in variables.items()}
        roots = tuple(makes)
        literals = tuple(tokens.literals(expression, roots)) if roots else ()
        checker = _checker(variables, extensions) if not literals else Checker(variables, extensions, literals, makes)
        try:
            found = checker.check(tokens.flat(expression, roots) if roots else expression)
        except RuntimeError as error:
            raise CompileError(words.compile_error(str(error), expression, checker.shown)) from None
        if wrong := literals_of.wrong(expression, _is_format):
            raise CompileError(words.literal_error(wrong, expression))
        self.type, self.returns = words.type_name(found, checker.shown), checker.type(found)
        self.literals = literals
        plain = tokens.composed(tokens.as_maps(expression, roots) if roots else expression, PARTS, parts)
        plain = tokens.joined(plain, _REQUEST) if parts else plain
        self._run = _runnable(plain, expression)
        self.mentions = frozenset(
            tokens.names(plain) & {*variables, *(("authorizer", *_REQUEST.values()) if parts else ())}
        )
        self._authorized = any(name.startswith("authorizer") for name in self.mentions)
        self._dotted = {flat: name for name, flat in (dotted | _REQUEST).items()}
        self._converters: dict[str, Convert] = {
            name: convert for name in self.mentions if (convert := converter(variables[name]))
        }

    def eval(self, values: Mapping[str, Any]) -> Any:
        """The value as plain Python; what is opaque as `Opaque`. Raises `EvalError`."""
        try:
            return self._ask(self._run, self._activation(values), values)
        except EvalError as error:
            if not is_spent(error):
                raise
        return Parts(
            self._run, self._given(values), lambda run, given: self._ask(run, evaluator().inputs(given), values)
        ).value()

    def _ask(self, run: Any, activation: Any, values: Mapping[str, Any]) -> Any:
        asked = values.get("authorizer") if self._authorized else None
        token = ASKED.set(asked) if isinstance(asked, Authorizer) else None
        try:
            answer = run.eval(activation)
        except RuntimeError as error:
            raise EvalError(words.eval_error(str(error), self.expression, values)) from None
        finally:
            if token:
                ASKED.reset(token)
        if answer.type().name() == "ERROR":
            raise EvalError(words.eval_error(str(_read(answer)), self.expression, values))
        return _plain(answer)

    def _activation(self, values: Mapping[str, Any]) -> Any:
        if isinstance(values, Inputs):
            if (known := values.activations.get(self.mentions)) is None:
                known = values.activations[self.mentions] = evaluator().inputs(self._given(values))
            return known
        return evaluator().inputs(self._given(values))

    def _given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        named = {name: self._dotted.get(name, name) for name in self.mentions}
        given = {name: values[said] for name, said in named.items() if said in values}
        for name, convert in self._converters.items():
            if name in given:
                given[name] = convert(given[name])
        for name, value in given.items():
            if isinstance(value, Authorizer):
                given[name] = evaluator().opaque(START)
            elif isinstance(value, Opaque):
                given[name] = evaluator().opaque(value)
        return given


def _runnable(plain: str, expression: str) -> Any:
    """Raises `CompileError`, where it is more than the engine can do."""
    if tokens.risky(plain, LISTS):
        raise CompileError("a list function, an optional and a map are more than one expression can hold here")
    try:
        return evaluator().compile(tokens.with_optionals(plain, OPTIONAL))
    except RuntimeError as error:
        raise CompileError(words.compile_error(str(error), expression, {})) from None


@lru_cache(maxsize=1024)
def _is_format(function: str, literal: str) -> bool:
    """Does the engine take the text?"""
    call = f"'' .matches({literal})" if function == "matches" else f"{function}({literal})"
    return bool(evaluator().compile(call).eval(evaluator().inputs({})).type().name() != "ERROR")


def _read(answer: Any) -> Any:
    try:
        return answer.value()
    except TypeError:
        raise EvalError("an optional is no value here") from None


def _plain(answer: Any) -> Any:
    """Part by part: the engine ends the process when it is asked for all of a map that holds an optional."""
    value = _read(answer)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, bytearray):
        return bytes(value)
    return Opaque(value.type, value.text) if type(value).__name__ == "Opaque" else value


def compile(
    expression: str,
    variables: Mapping[str, CelType],
    *,
    extensions: Sequence[str] = (),
    makes: Mapping[str, Object] | None = None,
    parts: Mapping[str, str] | None = None,
) -> Program:
    """Raises `CompileError`, `Unavailable`. `extensions`: "bindings" for `cel.bind`. `makes`: the messages that the
    expression may construct, `Object{…}`; without properties, any are, and messages under it (`Object.spec{…}`).
    `parts`: expressions that stand behind `variables.<name>`, in an order in which none selects a later one; their
    types are declared as those of an object `variables`."""
    key = (expression, _key(variables), tuple(extensions), _key(makes or {}), tuple((parts or {}).items()))
    if (found := _programs.get(key)) is None:
        found = _programs[key] = Program(expression, variables, extensions, makes or {}, parts or {})
        if len(_programs) > _KEPT:
            _programs.popitem(last=False)
    _programs.move_to_end(key)
    return found


def checked(expression: str, variables: Mapping[str, CelType]) -> CheckedExpr:
    """The tree of an expression that compiles."""
    return _checker(variables, ()).checked(expression)


def _checker(variables: Mapping[str, CelType], extensions: Sequence[str]) -> Checker:
    key = (_key(variables), tuple(extensions))
    if (found := _checkers.get(key)) is None:
        found = _checkers[key] = Checker(variables, extensions)
        if len(_checkers) > _CHECKERS:
            _checkers.popitem(last=False)
    _checkers.move_to_end(key)
    return found


def _key(types: Mapping[str, CelType]) -> tuple[tuple[str, CelType], ...]:
    return tuple(sorted(types.items(), key=lambda each: each[0]))
