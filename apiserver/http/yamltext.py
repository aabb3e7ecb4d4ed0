"""JSON values as YAML, in the styles that Go's library writes: no anchors, keys sorted, lines of text as a block; what
another reader could take for a number, a date or a boolean stands in double quotes. Pure.

Source: sigs.k8s.io/yaml, go-yaml v2 (encode.go, resolve.go).
"""

import re
from typing import Any

import yaml

_Emitter: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_BARE = ("null", "y", "n", "yes", "no", "on", "off", "true", "false")
_WORDS = {form for word in _BARE for form in (word, word.capitalize(), word.upper())}
_WORDS |= {"", "~", "<<", ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"}
_NUMBER = re.compile(
    r"[-+]?(0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|\.(inf|Inf|INF)|(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|\d+(:[0-5]?\d)+(\.\d*)?)",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([Tt ]\d\d?:\d\d?:\d\d?(\.\d+)?(Z|[-+]\d\d:\d\d)?)?", re.ASCII)


class _Dumper(_Emitter):
    def ignore_aliases(self, data: Any) -> bool:
        """Parts that objects share are written each time: what refers to another place is hard to read."""
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else '"' if _misread(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> bytes:
    found: bytes = yaml.dump(value, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, default_flow_style=False)
    return found


def _misread(text: str) -> bool:
    if text in _WORDS:
        return True
    if text[0] not in "+-.0123456789":
        return False
    return bool(_NUMBER.fullmatch(text.replace("_", "")) or _DATE.fullmatch(text))
