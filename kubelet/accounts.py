"""The users and groups of an image: who is in which group, by its /etc/passwd and /etc/group. Pure.

The engine itself adds the groups of a user only where no group is named beside it, and always then. Kubernetes adds
them with the policy Merge, whatever else is named, and never with Strict. Source: passwd(5), group(5).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from kubelet.runtime import Security

PASSWD_FIELDS, GROUP_FIELDS = 4, 4


class Accounts(NamedTuple):
    passwd: str = ""
    group: str = ""

    def user(self, wanted: str) -> tuple[str, int] | None:
        """Name and primary group of a user given by name or uid; None where the image does not know it."""
        for fields in _lines(self.passwd, PASSWD_FIELDS):
            if wanted in (fields[0], fields[2]) and fields[3].isdigit():
                return fields[0], int(fields[3])
        return None

    def groups(self, user: str) -> Sequence[int]:
        """Those that name the user as a member."""
        return [
            int(fields[2])
            for fields in _lines(self.group, GROUP_FIELDS)
            if fields[2].isdigit() and user in fields[3].split(",")
        ]


def _lines(text: str, least: int) -> list[list[str]]:
    lines = (line.strip().split(":") for line in text.splitlines())
    return [fields for fields in lines if len(fields) >= least]


def needs_accounts(security: Security) -> bool:
    """Whether the engine alone would do something else than Kubernetes."""
    names_group = ":" in security.user
    return names_group != security.strict_groups


def with_groups(security: Security, accounts: Accounts, image_user: str) -> Security:
    """The same said to the engine so that it does what the policy says."""
    who = security.user or image_user or "0"
    user, _, group = who.partition(":")
    known = accounts.user(user)
    if security.strict_groups:
        return replace(security, user=who if group else f"{user}:{known[1] if known else 0}")
    merged = accounts.groups(known[0]) if known else ()
    return replace(security, groups=list(dict.fromkeys([*security.groups, *merged])))
