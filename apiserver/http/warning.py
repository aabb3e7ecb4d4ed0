"""Warnings to the client as HTTP headers, which are bounded: a webhook says what it likes. Pure.

Source: k8s.io/apiserver/pkg/endpoints/filters/warning.go, k8s.io/apimachinery/pkg/util/net (NewWarningHeader).
"""

import unicodedata
from collections.abc import Iterable

MOST_CHARACTERS = 4 * 1024  # of all; beyond it each is cut, and what then comes is left out
CUT_CHARACTERS = 256


def headers(warnings: Iterable[str]) -> list[tuple[str, str]]:
    """RFC 7234's Warning header: code 299, no agent, quoted text. Each once, none with control characters."""
    texts = [each for each in dict.fromkeys(warnings) if each and not any(map(_is_control, each))]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        texts = list(_cut(texts))
    quoted = (words.replace("\\", "\\\\").replace('"', '\\"') for words in texts)
    return [("Warning", f'299 - "{words}"') for words in quoted]


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")


def _cut(texts: Iterable[str]) -> Iterable[str]:
    written = 0
    for text in texts:
        if written >= MOST_CHARACTERS:
            return
        yield text[:CUT_CHARACTERS]
        written += len(text[:CUT_CHARACTERS])
