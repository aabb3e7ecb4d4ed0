"""Bootstrap tokens as their secrets have them. Pure. Source: k8s.io/cluster-bootstrap/token."""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from podling.api.meta import parse_time

TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE, PREFIX = "kube-system", "bootstrap-token-"


def text(secret: Any, name: str) -> str:
    """A field of the secret's data; "" where there is none that can be read."""
    try:
        return base64.b64decode((secret.data or {}).get(name, "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def seconds_left(secret: Any, now: datetime) -> float | None:
    """Until it ends; None: never. What cannot be read as a time has ended."""
    expiration = text(secret, "expiration")
    if not expiration:
        return None
    try:
        return (parse_time(expiration) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def signs(secret: Any, now: datetime) -> tuple[str, str] | None:
    """(id, secret) of a token that signs cluster-info; None where it does not."""
    token_id, word, left = text(secret, "token-id"), text(secret, "token-secret"), seconds_left(secret, now)
    if secret.type != TYPE or secret.metadata.name != PREFIX + token_id or not word or (left is not None and left <= 0):
        return None
    return (token_id, word) if text(secret, "usage-bootstrap-signing") == "true" else None


def signature(content: str, token_id: str, secret: str) -> str:
    """A JSON web signature by HS256 without its payload: `header..signature`."""
    header = _encoded(json.dumps({"alg": "HS256", "kid": token_id}, separators=(",", ":")).encode())
    signed = f"{header}.{_encoded(content.encode())}".encode()
    return f"{header}..{_encoded(hmac.new(secret.encode(), signed, hashlib.sha256).digest())}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
