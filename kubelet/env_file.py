"""The file behind `fileKeyRef`: a part of a shell's assignments, values in single quotes, taken as they stand. Pure.

    # a comment
    ADDRESS='db:5432'   # another
    TEXT='two
    lines'

Source: k8s.io/kubernetes/pkg/kubelet/util/env/env_util.go.
"""

BLANKS = " \t"


class EnvFileError(Exception):
    """The file is not in that form."""


def value_of(text: str, key: str) -> str | None:
    """That of the first assignment to `key`; None where there is none. Lines before it must be well formed."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    number = 0
    while number < len(lines):
        number += 1
        line = lines[number - 1].lstrip(BLANKS)
        if not line or line.startswith("#"):
            continue
        name, found, rest = line.partition("=")
        if not found:
            raise _error(number, "missing '='")
        if not name:
            raise _error(number, "empty variable name")
        if name != name.rstrip(BLANKS):
            raise _error(number, "whitespace before '=' is not allowed")
        value, number = _value(lines, number, rest)
        if name == key:
            return value
    return None


def _value(lines: list[str], number: int, rest: str) -> tuple[str, int]:
    """The value that begins with `rest` of the line, and the number of the line on which it ends."""
    if rest[:1] in (" ", "\t"):  # as a shell does: what follows is no part of the value
        return "", number
    if rest[:1] != "'":
        raise _error(number, "value must be enclosed in single quotes")
    begun, parts = number, [rest[1:]]
    while "'" not in parts[-1]:
        if number == len(lines):
            raise _error(begun, "unclosed single quote")
        parts.append(lines[number])
        number += 1
    parts[-1], _, after = parts[-1].partition("'")
    after = after.strip(BLANKS)
    if after and not after.startswith("#"):
        raise _error(number, "unexpected content after closing quote")
    return "\n".join(parts), number


def _error(number: int, what: str) -> EnvFileError:
    return EnvFileError(f"invalid environment variable format at line {number}: {what}")
