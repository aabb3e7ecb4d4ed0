"""The expressions of Kubernetes: the Common Expression Language with Kubernetes' libraries.

    program = compile("self.min <= self.max", {"self": Object({"min": INT, "max": INT})})   # raises CompileError
    program.type                                        # "bool", as cel-go writes types: "list(string)", "dyn"
    program.eval({"self": {"min": 1, "max": 3}})        # True; raises EvalError

`compile` declares the variables and their types (`types.py`; `schemas.py` makes types of our schemas): what is not
declared is refused in cel-go's words. `str(CompileError)` is `ERROR: <input>:1:1: undeclared reference to 'foo' …`;
Kubernetes puts `compilation failed: ` before it. Compiled programs are kept: the same expression over the same types
(the same `Object`, by identity) is compiled once.

`eval` takes plain JSON for typed and for `DYN` variables alike: numbers, times and durations become what their type
says, fields get their escaped names (`self.__namespace__`). Only variables that the expression mentions are read. An
`EvalError` says what cel-go says: `no such key: foo`, `no such overload`, `index out of bounds: 3`, `division by zero`.
A small rule costs about ten microseconds; a variable costs what its size is, so several programs over the same large
object share one `Inputs(values)`, which `eval` takes in place of a mapping.

An `authorizer` variable has the type `AUTHORIZER` and the value `library.authorizer.Authorizer`. `Unavailable` is
raised by `compile` where the engine (the package cel-expr-python, imported at the first call) is not installed.
"""

from apiserver.cel.errors import CompileError, EvalError, Unavailable
from apiserver.cel.program import Inputs, Program, compile
from apiserver.cel.types import (
    AUTHORIZER,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    QUANTITY,
    SEMVER,
    STRING,
    TIMESTAMP,
    CelType,
    List,
    Map,
    Object,
)

__all__ = [
    "AUTHORIZER",
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "QUANTITY",
    "SEMVER",
    "STRING",
    "TIMESTAMP",
    "CelType",
    "CompileError",
    "EvalError",
    "Inputs",
    "List",
    "Map",
    "Object",
    "Program",
    "Unavailable",
    "compile",
]
