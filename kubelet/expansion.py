"""`$(NAME)` in commands, arguments and values. Source: k8s.io/kubernetes/third_party/forked/golang/expansion."""

import re
from collections.abc import Mapping, Sequence

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$$` is a dollar sign; what is not defined stays as it is written."""

    def replace(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return values.get(found[2], found[0])

    return _REFERENCE.sub(replace, text)


def missing(text: str, values: Mapping[str, str]) -> Sequence[str]:
    """The names referred to that are not defined, or are empty."""
    return sorted({found[2] for found in _REFERENCE.finditer(text) if found[1] != "$" and not values.get(found[2])})
