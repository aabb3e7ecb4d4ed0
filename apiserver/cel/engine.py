"""The engine: cel-cpp, by the package cel-expr-python. The only file that imports it, and the first that needs it.

It is asked twice about each expression: a checker that knows all types (`Checker`), and an evaluator that knows none
(`EVALUATOR`), so that values may be plain JSON. Python functions never see an optional: handed to one, it would end the
process; so parameters are declared by what they are (never as "anything"), and `_safely` looks first whether the
engine could convert what it hands over.
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import Any

from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from apiserver.cel.declare import OPAQUE, Declared
from apiserver.cel.errors import Unavailable
from apiserver.cel.library import FUNCTIONS
from apiserver.cel.library.function import Function
from apiserver.cel.tokens import Literal
from apiserver.cel.types import OPAQUE as OPAQUE_TYPES
from apiserver.cel.types import CelType, Object, Opaque
from podling.pb.expr.expr_pb2 import CheckedExpr, ParsedExpr

EXTENSIONS = ("optional", "sets", "strings", "two-var-comprehensions")  # Source: apiserver/pkg/cel/environment/base.go
_PENDING = ctypes.pythonapi.PyErr_Occurred  # ctypes looks whether an exception is pending, and raises it
_VERSIONS = {"strings": 2}
_NUMBERS = ("int", "uint", "double")
_ANYTHING = ("bool", *_NUMBERS, "string", "bytes", "timestamp", "duration", "list<dyn>", "map<dyn, dyn>", OPAQUE)


@cache
def cel() -> Any:
    """Raises `Unavailable`."""
    try:
        from cel_expr_python import cel as module
    except ImportError as error:
        raise Unavailable(
            "expressions (CEL) need the package cel-expr-python, which is not installed here: "
            f"pip install cel-expr-python ({error})"
        ) from None
    return module


def _config(extensions: Sequence[str]) -> Any:
    lines = (f"- name: {name}\n  version: {_VERSIONS.get(name, 'latest')}\n" for name in extensions)
    return cel().NewEnvConfigFromYaml("name: kubernetes\nextensions:\n" + "".join(lines))


class Checker:
    """Knows the types of some variables; made for one compilation or few, since each is half a megabyte."""

    def __init__(
        self,
        variables: Mapping[str, CelType],
        extensions: Sequence[str] = (),
        literals: tuple[Literal, ...] = (),
        roots: Mapping[str, Object] | None = None,
    ) -> None:
        declared = Declared(literals, roots)
        signatures = {name: declared.signature(kind) for name, kind in variables.items()}
        self.shown, self.type = declared.shown, declared.type
        self._env = cel().NewEnv(
            descriptor_pool=declared.pool(),
            config=_config((*EXTENSIONS, *extensions)),
            variables={name: cel().Type(signature) for name, signature in signatures.items()},
            extensions=[_declarations()],
        )

    def check(self, expression: str) -> str:
        """The name of the result's type, as the engine writes it; raises RuntimeError with the mistakes."""
        name: str = self._env.compile(expression).return_type().name()
        return name

    def checked(self, expression: str) -> CheckedExpr:
        """The expression's tree, with types; raises RuntimeError with the mistakes."""
        return CheckedExpr.FromString(AnyMessage.FromString(self._env.compile(expression).serialize()).value)


@cache
def _declarations() -> Any:
    """All functions with their types; comparisons between the kinds of numbers, which Kubernetes allows."""
    declared: dict[str, list[Any]] = {}
    for number, function in enumerate(FUNCTIONS):
        declared.setdefault(function.name, []).append(_overload(f"k{number}", function, function.parameters))
    for mark, one, other in product(("_<_", "_<=_", "_>_", "_>=_"), _NUMBERS, _NUMBERS):
        if one != other:
            function = Function(mark, (one, other), "bool", False, bool)
            declared.setdefault(mark, []).append(_overload(f"{mark}{one}{other}", function, function.parameters))
    return cel().CelExtension("kubernetes", [cel().FunctionDecl(*each) for each in declared.items()])


def _overload(name: str, function: Function, parameters: Sequence[str], run: Callable[..., Any] | None = None) -> Any:
    given = {} if run is None else {"impl": run}
    return cel().Overload(
        id=name,
        return_type=cel().Type(function.returns if run is None else "dyn"),
        parameters=[cel().Type(each) for each in parameters],
        is_member=function.member,
        **given,
    )


class Evaluator:
    """Runs expressions that were checked. One for the whole process."""

    def __init__(self) -> None:
        pool = Declared().pool()
        self._message: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(OPAQUE))
        self._env = cel().NewEnv(
            descriptor_pool=pool, config=_config((*EXTENSIONS, "bindings")), extensions=[self._implementations()]
        )

    def compile(self, expression: str) -> Any:
        return self._env.compile(expression, disable_check=True)

    def tree(self, expression: Any) -> tuple[ParsedExpr, str]:
        """What was compiled here as a tree, and how the engine names its type."""
        packed = AnyMessage.FromString(expression.serialize())
        return ParsedExpr.FromString(packed.value), packed.type_url

    def of_tree(self, tree: ParsedExpr, type_: str) -> Any:
        return self._env.deserialize(AnyMessage(type_url=type_, value=tree.SerializeToString()).SerializeToString())

    def inputs(self, values: Mapping[str, Any]) -> Any:
        return self._env.Activation(values)

    def opaque(self, value: Opaque) -> Any:
        return self._message(type=value.type, text=value.text)

    def out(self, value: Any) -> Any:
        """What the engine takes for a value of Python's."""
        if isinstance(value, Opaque):
            return self.opaque(value)
        if isinstance(value, datetime):
            return time_message(value)
        if isinstance(value, timedelta):
            return duration_message(value)
        if isinstance(value, dict):
            return {key: self.out(each) for key, each in value.items()}
        return [self.out(each) for each in value] if isinstance(value, list) else value

    def _implementations(self) -> Any:
        """Overloads that differ in their types only, not in what the values are, are one here."""
        found: dict[tuple[str, bool, tuple[str, ...]], dict[tuple[str, ...], Function]] = {}
        for function in FUNCTIONS:
            for parameters in product(*(_kinds(each) for each in function.parameters)):
                found.setdefault((function.name, function.member, parameters), {})[function.parameters] = function
        declared: dict[str, list[Any]] = {}
        for number, ((name, _, parameters), functions) in enumerate(found.items()):
            one = next(iter(functions.values()))
            run = self._safely(functions)
            declared.setdefault(name, []).append(_overload(f"r{number}", one, parameters, run))
        return cel().CelExtension("kubernetes", [cel().FunctionDecl(*each) for each in declared.items()])

    def _safely(self, functions: Mapping[tuple[str, ...], Function]) -> Callable[..., Any]:
        first = next(iter(functions.values()))

        def call(*given: Any) -> Any:
            _PENDING()  # raises where a value could not be converted: the engine calls on, with a hole in the list
            arguments = [Opaque(each.type, each.text) if isinstance(each, self._message) else each for each in given]
            return self.out(_chosen(functions, arguments, first).run(*arguments))

        return call


def time_message(value: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(value)
    return made


def duration_message(value: timedelta) -> Duration:
    made = Duration()
    made.FromTimedelta(value)
    return made


def _kinds(name: str) -> tuple[str, ...]:
    if name == "dyn":
        return _ANYTHING
    if any(name == each.name for each in OPAQUE_TYPES):
        return (OPAQUE,)
    return ("list<dyn>",) if name.startswith("list<") else (name,)


def _chosen(functions: Mapping[tuple[str, ...], Function], arguments: Sequence[Any], first: Function) -> Function:
    """`isLessThan` of quantities or of versions: the opaque arguments tell."""
    if len(functions) == 1:
        return first
    wanted = [each.type if isinstance(each, Opaque) else None for each in arguments]
    for parameters, function in functions.items():
        if all(want is None or want == each for want, each in zip(wanted, parameters, strict=True)):
            return function
    return first


@cache
def evaluator() -> Evaluator:
    return Evaluator()
