"""Names with rules that everybody asks: of objects, of labels and their values. Each answers the messages for what is
wrong: [] is fine.

Source of rules and words: k8s.io/apimachinery/pkg/util/validation and pkg/api/validate/content.
"""

import re

LABEL_FORM = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{LABEL_FORM}(\.{LABEL_FORM})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    rf"'{LABEL_FORM}(\.{LABEL_FORM})*')"
)
LABEL_KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_QUALIFIED_WORDS = (
    "a valid label key "
    + LABEL_KEY.removeprefix("name part ")
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)


def subdomain(name: str) -> list[str]:
    """A DNS subdomain: most names of objects."""
    found = ["must be no more than 253 characters"] if len(name) > 253 else []
    return found if _SUBDOMAIN.fullmatch(name) else [*found, SUBDOMAIN]


def qualified(key: str) -> list[str]:
    """The key of a label, a resource's name, a taint's key: `example.com/name`."""
    prefix, slash, name = key.partition("/")
    found: list[str] = []
    if not slash:
        name = key
    elif "/" in name:
        return [_QUALIFIED_WORDS]
    elif not prefix:
        found.append("prefix part must be non-empty")
    else:
        found += [f"prefix part {words}" for words in subdomain(prefix)]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    return found if _QUALIFIED.fullmatch(name) else [*found, LABEL_KEY]


def label_value(value: str) -> list[str]:
    found = ["must be no more than 63 bytes"] if len(value) > 63 else []
    return found if not value or _QUALIFIED.fullmatch(value) else [*found, LABEL_VALUE]
