"""What can go wrong with an expression.

CelError
├── CompileError    it is no expression, or does not fit the types; every mistake a paragraph, as cel-go prints them
├── EvalError       it has no value for these inputs
└── Unavailable     there is no engine for this machine
"""


class CelError(Exception):
    pass


class CompileError(CelError):
    """`ERROR: <input>:1:5: undefined field 'color'`, the line, and a mark under the place."""


class EvalError(CelError):
    """`no such key: color`"""


class Unavailable(CelError):
    """The package cel-expr-python cannot be imported; the message says so."""
