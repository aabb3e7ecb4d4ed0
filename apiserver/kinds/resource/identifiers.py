"""How devices, their pools, attributes and requests are named. Pure.

Source: kubernetes/pkg/apis/resource/validation.
"""

import re
import uuid

from apiserver.kinds import names
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_POOL, MOST_IDENTIFIER = 253, 32
_IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER_WORDS = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters "
    "or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
_UID_WORDS = (
    "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal "
    "characters"
)


def label(name: str, path: Path) -> ErrorList:
    return names.each(path, name, names.label(name))


def label_key(name: str, path: Path) -> ErrorList:
    return names.each(path, name, names.qualified(name))


def pool(name: str, path: Path) -> ErrorList:
    """One or more DNS subdomains, with slashes between."""
    if not name:
        return [field.required(path)]
    errors = [field.too_long(path, MOST_POOL)] if len(name) > MOST_POOL else []
    return errors + [error for part in name.split("/") for error in names.each(path, part, names.subdomain(part))]


def qualified(name: str, path: Path) -> ErrorList:
    """Of an attribute or a capacity: `model`, `example.com/model`."""
    domain, slash, own = name.partition("/")
    if not slash:
        return _identifier(name, path)
    if "/" in own:
        return [field.invalid(path, name, "must not contain more than one slash")]
    errors = names.driver(domain, path) if domain else [field.invalid(path, "", "the domain must not be empty")]
    return errors + (_identifier(own, path) if own else [field.invalid(path, "", "the name must not be empty")])


def fully_qualified(name: str, path: Path) -> ErrorList:
    errors = qualified(name, path)
    if "/" not in name:
        words = "a fully qualified name must be a domain and a name separated by a slash"
        errors.append(field.invalid(path, name, words))
    return errors


def _identifier(name: str, path: Path) -> ErrorList:
    errors = [field.too_long(path, MOST_IDENTIFIER)] if len(name) > MOST_IDENTIFIER else []
    return errors if _IDENTIFIER.fullmatch(name) else [*errors, field.invalid(path, name, _IDENTIFIER_WORDS)]


def uid(text: str, path: Path) -> ErrorList:
    try:
        normal = str(uuid.UUID(text))
    except ValueError:
        return [field.invalid(path, text, f"error validating uid: invalid UUID length: {len(text)}")]
    return [] if text == normal else [field.invalid(path, text, _UID_WORDS)]
