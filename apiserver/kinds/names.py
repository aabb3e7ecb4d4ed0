"""What names, label keys and values must look like, each answering the messages for what is wrong: () is fine.

Source of rules and words: k8s.io/apimachinery/pkg/util/validation and pkg/api/validate/content.
"""

import re
from collections.abc import Mapping, Sequence

from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.names import LABEL_FORM as _LABEL_FORM
from podling.api.names import SUBDOMAIN, label_value, qualified, subdomain

__all__ = ["SUBDOMAIN", "label_value", "qualified", "subdomain"]  # clients ask these rules, too

ANNOTATIONS_BYTES = 256 * 1024
_LABEL = re.compile(_LABEL_FORM)
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_WILDCARD = re.compile(rf"\*\.{_LABEL_FORM}(\.{_LABEL_FORM})*")
_WILDCARD_WORDS = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
    rf"regex used for validation is '\*\.{_LABEL_FORM}(\.{_LABEL_FORM})*')"
)
_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_PATH_WORDS = (
    "must be a valid path segment: a valid HTTP path must consist of alphanumeric characters and '/-._~%!$&()*+,;=:'"
)
_CONFIG_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def label(name: str) -> list[str]:
    """A DNS label of RFC 1123: a container's name, a namespace."""
    if "." in name and _LABEL.fullmatch(name.replace(".", "")):
        return ["must not contain dots"]
    found = ["must be no more than 63 characters"] if len(name) > 63 else []
    return found if _LABEL.fullmatch(name) else [*found, LABEL]


def label_1035(name: str) -> list[str]:
    """A DNS label of RFC 1035, which starts with a letter: a service."""
    found = ["must be no more than 63 characters"] if len(name) > 63 else []
    return found if _LABEL_1035.fullmatch(name) else [*found, LABEL_1035]


def config_key(key: str) -> list[str]:
    """A key of a config map or a secret, which becomes a file's name."""
    found = ["must be no more than 253 characters"] if len(key) > 253 else []
    if not _CONFIG_KEY.fullmatch(key):
        found.append(_CONFIG_KEY_WORDS)
    if key == ".":
        return [*found, "must not be '.'"]
    if key == "..":
        return [*found, "must not be '..'"]
    return [*found, "must not start with '..'"] if key.startswith("..") else found


def path_segment(name: str) -> list[str]:
    """Anything that can stand in a path: the names of RBAC's kinds."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in name]


def environment(name: str) -> list[str]:
    """The name of an environment variable."""
    if name and all(" " <= each <= "~" and each != "=" for each in name):
        return []
    if not name:
        return ["environment variable name must be non-empty"]
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def port(name: str) -> list[str]:
    """A service name of IANA: the name of a port."""
    found = ["must be no more than 15 characters"] if len(name) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", name):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        found.append("must contain at least one letter (a-z)")
    if "--" in name:
        found.append("must not contain consecutive hyphens")
    if name[:1] == "-" or name[-1:] == "-":
        found.append("must not begin or end with a hyphen")
    return found


def labels(found: Mapping[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    for key, value in sorted((found or {}).items()):
        for words in qualified(key):
            errors.append(field.invalid(path, key, words))
        for words in label_value(value or ""):
            errors.append(field.invalid(path, value, words))
    return errors


def annotations(found: Mapping[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    size = 0
    for key, value in sorted((found or {}).items()):
        errors += each(path, key, qualified(key.lower()))
        size += len(key.encode()) + len((value or "").encode())
    return [*errors, field.too_long(path, ANNOTATIONS_BYTES)] if size > ANNOTATIONS_BYTES else errors


def each(path: Path, value: object, messages: Sequence[str]) -> ErrorList:
    """One error a message."""
    return [field.invalid(path, value, words) for words in messages]


def selector(found: Mapping[str, object] | None, path: Path) -> ErrorList:
    """A label selector. Source: apimachinery/pkg/apis/meta/v1/validation."""
    if not found:
        return []
    match_labels = found.get("matchLabels")
    errors = labels(match_labels, path.child("matchLabels")) if isinstance(match_labels, Mapping) else []
    expressions = found.get("matchExpressions")
    for position, expression in enumerate(expressions if isinstance(expressions, list) else ()):
        here = path.child("matchExpressions").index(position)
        operator, values = expression.get("operator", ""), expression.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                words = "must be specified when `operator` is 'In' or 'NotIn'"
                errors.append(field.required(here.child("values"), words))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.append(field.forbidden(here.child("values"), words))
        else:
            errors.append(field.invalid(here.child("operator"), operator, "not a valid selector operator"))
        errors += each(here.child("key"), expression.get("key", ""), qualified(expression.get("key", "")))
        for number, value in enumerate(values):
            errors += each(here.child("values").index(number), value, label_value(value))
    return errors


def wildcard(name: str) -> list[str]:
    """`*.example.com`"""
    found = ["must be no more than 253 characters"] if len(name) > 253 else []
    return found if _WILDCARD.fullmatch(name) else [*found, _WILDCARD_WORDS]


def domain_path(name: str, path: Path) -> ErrorList:
    """`example.com/controller`. Source: validation.IsDomainPrefixedPath."""
    if not name:
        return [field.required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or not domain or not rest:
        return [field.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = each(path, domain, subdomain(domain))
    return errors if _PATH.fullmatch(rest) else [*errors, field.invalid(path, rest, _PATH_WORDS)]


def driver(name: str, path: Path) -> ErrorList:
    """The name of a driver of storage or devices: `ebs.csi.aws.com`. Source: ValidateCSIDriverName."""
    if not name:
        return [field.required(path), *each(path, name, subdomain(name))]
    errors = [field.too_long(path, 63)] if len(name) > 63 else []
    return errors + each(path, name, subdomain(name.lower()))


def http_header(name: str) -> list[str]:
    if re.fullmatch("[-A-Za-z0-9]+", name):
        return []
    return [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
        "validation is '[-A-Za-z0-9]+')"
    ]


def fully_qualified(name: str, path: Path, segments: int = 3) -> ErrorList:
    """`check.example.com`: the name of a webhook. Source: validation.IsFullyQualified(Domain)Name."""
    if not name:
        return [field.required(path)]
    if wrong := subdomain(name):
        return [field.invalid(path, name, ", ".join(wrong))]
    labels = name.split(".")
    if len(labels) < segments:
        count = {2: "two", 3: "three"}[segments]
        return [field.invalid(path, name, f"should be a domain with at least {count} segments separated by dots")]
    return [field.invalid(path, each, ", ".join(wrong)) for each in labels if (wrong := label(each))][:1]
