"""Static bearer tokens: a CSV file of `token,user,uid,"group1,group2"`, read at start.

Source: k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile.go.
"""

import csv
import hashlib
import logging
from collections.abc import Iterable

from apiserver.request import User

log = logging.getLogger(__name__)


class TokenFile:
    """Tokens are kept as digests: looking one up takes the same time whatever it starts with."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._users: dict[bytes, User] = {}
        for number, row in enumerate(csv.reader(lines, skipinitialspace=True), 1):
            if not row:
                continue
            if len(row) < 3:
                raise ValueError(f"token file: line {number} has {len(row)} columns, expected at least 3")
            token, name, uid = row[0].strip(), row[1].strip(), row[2].strip()
            if not token:
                log.warning("token file: empty token, line ignored line=%d", number)
                continue
            groups = tuple(filter(None, (group.strip() for group in row[3].split(",")))) if len(row) > 3 else ()
            self._users[_digest(token)] = User(name, groups, uid)

    def find(self, token: str) -> User | None:
        return self._users.get(_digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
