"""Names that a pod resolves. Source: kubernetes/pkg/apis/core/validation.validatePodDNSConfig, ValidateHostAliases."""

import ipaddress
import re
from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
MOST_SERVERS, MOST_SEARCHES, MOST_SEARCH_CHARACTERS = 3, 32, 2048
ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_LABEL = r"[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?"
_UNDERSCORED = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_UNDERSCORED_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must "
    "start and end with an alphanumeric character or an underscore (e.g. 'example.com', regex used for validation is "
    rf"'{_LABEL}(\.{_LABEL})*')"
)


def validate_address(text: str, path: Path) -> ErrorList:
    """Source: apimachinery/pkg/util/validation.IsValidIPForLegacyField, strict."""
    found = loose_address(text)
    if found is None:
        return [field.invalid(path, text, ADDRESS)]
    if _without_zeros(text) != text:
        return [field.invalid(path, text, "must not have leading 0s")]
    if found.version == 6 and found.ipv4_mapped:
        return [field.invalid(path, text, "must not be an IPv4-mapped IPv6 address")]
    return []


def loose_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """As it was read once: leading zeros do not count."""
    try:
        return None if "%" in text else ipaddress.ip_address(_without_zeros(text))
    except ValueError:
        return None


def _without_zeros(text: str) -> str:
    return re.sub(r"(^|\.)0+(?=[0-9])", r"\1", text) if ":" not in text else text


def validate_config(config: Object | None, policy: str, path: Path) -> ErrorList:
    if policy == "None" and config is None:
        return [field.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    servers, searches = (config or {}).get("nameservers") or [], (config or {}).get("searches") or []
    if policy == "None" and not servers:
        words = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [field.required(path.child("nameservers"), words)]
    errors: ErrorList = []
    if len(servers) > MOST_SERVERS:
        words = f"must not have more than {MOST_SERVERS} nameservers"
        errors.append(field.invalid(path.child("nameservers"), servers, words))
    for position, server in enumerate(servers):
        errors += validate_address(server, path.child("nameservers").index(position))
    if len(searches) > MOST_SEARCHES:
        words = f"must not have more than {MOST_SEARCHES} search paths"
        errors.append(field.invalid(path.child("searches"), searches, words))
    if len(" ".join(searches)) > MOST_SEARCH_CHARACTERS:
        words = f"must not have more than {MOST_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        errors.append(field.invalid(path.child("searches"), searches, words))
    for position, search in enumerate(searches):
        errors += _search(search, path.child("searches").index(position))
    for position, option in enumerate((config or {}).get("options") or ()):
        if not option.get("name"):
            errors.append(field.required(path.child("options").index(position), "must not be empty"))
    return errors


def _search(search: str, path: Path) -> ErrorList:
    text = search.removesuffix(".")
    if search == ".":
        return []
    errors = [field.invalid(path, text, "must be no more than 253 characters")] if len(text) > 253 else []
    return errors if _UNDERSCORED.fullmatch(text) else [*errors, field.invalid(path, text, _UNDERSCORED_WORDS)]


def validate_aliases(aliases: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, alias in enumerate(aliases):
        here = path.index(position)
        errors += validate_address(alias.get("ip", ""), here.child("ip"))
        for number, name in enumerate(alias.get("hostnames") or ()):
            errors += names.each(here.child("hostnames").index(number), name, names.subdomain(name))
    return errors
