"""`find` and `findAll`, in RE2's syntax. Source: apiserver/pkg/cel/library/regex.go."""

from typing import Any

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function


def _compiled(pattern: str) -> Any:
    import re2  # with the engine, at the first use

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        words = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise EvalError(f"Illegal regex: error parsing regexp: {words}") from None


def _find(text: str, pattern: str) -> str:
    found = _compiled(pattern).search(text)
    return str(found[0]) if found else ""


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    found = (str(each[0]) for each in _compiled(pattern).finditer(text))
    return [each for place, each in enumerate(found) if most < 0 or place < most]


FUNCTIONS: tuple[Function, ...] = (
    function("string.find(string) -> string", _find),
    function("string.findAll(string) -> list<string>", _find_all),
    function("string.findAll(string, int) -> list<string>", _find_all),
)
