"""Names of JSON as identifiers. Source: k8s.io/apiserver/pkg/cel/escaping.go."""

import re

_WORDS = """true false null in as break const continue else for function if import let loop package namespace return var
void while"""
RESERVED = frozenset(_WORDS.split())
_MARKS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED = re.compile(r"__|[-./]")
_KNOWN = re.compile(r"[a-zA-Z_./-][a-zA-Z0-9_./-]*")
_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def escape(name: str) -> str | None:
    """`my-field` is `my__dash__field`, `namespace` is `__namespace__`; None where nothing can stand for the name."""
    if name in RESERVED:
        return f"__{name}__"
    if not _KNOWN.fullmatch(name):
        return None
    return _ESCAPED.sub(lambda found: _MARKS[found[0]], name)


def is_identifier(name: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(name)) and name not in RESERVED
