"""Bootstrap tokens: `abcdef.0123456789abcdef` is the secret kube-system/bootstrap-token-abcdef, until it expires.

Source: k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap and k8s.io/cluster-bootstrap/token/util.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apiserver.lister import Lister
from apiserver.request import User
from podling.api.errors import GroupResource
from podling.api.meta import parse_time

TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
SECRETS = GroupResource("", "secrets")
TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE, PREFIX = "kube-system", "bootstrap-token-"
GROUP = "system:bootstrappers"
_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


def find(lister: Lister, token: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> User | None:
    """Whose token it is; None where it is none, or none any more."""
    match = TOKEN.fullmatch(token)
    if match is None:
        return None
    token_id, secret = match.groups()
    found = lister.get(SECRETS, NAMESPACE, PREFIX + token_id)
    if found is None or found.get("type") != TYPE or found["metadata"].get("deletionTimestamp"):
        return None
    if not hmac.compare_digest(_field(found, "token-secret").encode(), secret.encode()):
        return None
    if _field(found, "token-id") != token_id or _field(found, "usage-bootstrap-authentication") != "true":
        return None
    if is_over(_field(found, "expiration"), now()):
        return None
    extra = sorted({each.strip() for each in _field(found, "auth-extra-groups").split(",") if each.strip()})
    if not all(_EXTRA_GROUP.fullmatch(each) for each in extra):
        return None
    return User(f"system:bootstrap:{token_id}", (GROUP, *extra))


def is_over(expiration: str, now: datetime) -> bool:
    """What cannot be read as a time has ended."""
    if not expiration:
        return False
    try:
        ends = parse_time(expiration)
    except ValueError:
        return True
    return ends.tzinfo is None or now >= ends


def _field(secret: dict[str, Any], name: str) -> str:
    try:
        return base64.b64decode((secret.get("data") or {}).get(name, "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
