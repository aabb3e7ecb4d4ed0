"""Regular expressions in the syntax of Go, which is RE2's. Source: google.golang.org/regexp/syntax for the words."""

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False

# What RE2 says of a pattern that is wrong, as Go says it.
_WORDS = {
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "invalid character class range": "invalid character class range",
    "invalid character class": "invalid character class",
    "invalid escape sequence": "invalid escape sequence",
    "trailing \\": "trailing backslash at end of expression",
    "invalid UTF-8": "invalid UTF-8",
    "pattern too large - compile failed": "expression too large",
}


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Any:
    """Raises `ValueError` in Go's words."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        text = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(_go_words(text)) from None


def _go_words(text: str) -> str:
    for ours, theirs in sorted(_WORDS.items(), key=lambda pair: -len(pair[0])):
        if text.startswith(ours):
            rest = text[len(ours) :].removeprefix(":").strip()
            return f"error parsing regexp: {theirs}: `{rest}`"
    return f"error parsing regexp: {text}"
