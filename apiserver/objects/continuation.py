"""Continue tokens: where a list that a limit cut goes on, and at which revision. Pure.

A token is base64url of `{"v": "meta.k8s.io/v1", "rv": 17, "start": "/web\\u0000"}`: the keys from `start` on, which is
relative to what was listed: a namespace, or all of them.
Source: k8s.io/apiserver/pkg/storage/continue.go.
"""

import base64
import binascii
import json
import posixpath
from typing import NamedTuple

from podling.api.errors import BadRequest, Expired

VERSION = "meta.k8s.io/v1"
HEAD = "invalid continue token: continue key is not valid"

TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
LIST_TOO_OLD = "The resourceVersion for the provided list is too old."


class Token(NamedTuple):
    """`revision` -1: whatever is there now. `start` is a key of the kind: `default/web\\0` is what follows it."""

    revision: int
    start: str


def write(token: Token, namespace: str) -> str:
    """For whoever lists `namespace`, or all of them ("")."""
    start = "/" + token.start.removeprefix(_scope(namespace))
    text = json.dumps({"v": VERSION, "rv": token.revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(text: str, namespace: str) -> Token:
    """Raises `BadRequest` in Kubernetes' words."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{HEAD}: illegal base64 data at input byte {_first_bad(text)}") from None
    try:
        body = json.loads(raw)
    except ValueError:
        raise BadRequest(f"{HEAD}: invalid character {_quoted(raw)} looking for beginning of value") from None
    if not isinstance(body, dict) or body.get("v") != VERSION:
        found = body.get("v", "") if isinstance(body, dict) else ""
        raise BadRequest(f"{HEAD}: server does not recognize this encoded version {found}")
    revision, start = body.get("rv", 0), body.get("start", "")
    if not revision or not isinstance(revision, int):
        raise BadRequest(f"{HEAD}: incorrect encoded start resourceVersion (version {VERSION})")
    if not start or not isinstance(start, str):
        raise BadRequest(f"{HEAD}: encoded start key empty (version {VERSION})")
    key = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(key) != key or key.startswith("//"):  # nobody leaves the namespace
        raise BadRequest(f"{HEAD}: {start}")
    return Token(revision, _scope(namespace) + key[1:])


def _scope(namespace: str) -> str:
    return f"{namespace}/" if namespace else ""


def _first_bad(text: str) -> int:
    good = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    return next((at for at, letter in enumerate(text) if letter not in good), len(text))


def _quoted(raw: bytes) -> str:
    letter = chr(raw[0]) if raw else ""
    return f"'{letter}'" if letter.isprintable() else f"'\\u{ord(letter or chr(0)):04x}'"


def expired(token: Token, namespace: str) -> Expired:
    """The token's revision is gone; the refusal carries one to go on with, inconsistently."""
    return ExpiredToken(TOO_OLD, write(Token(-1, token.start), namespace))


class ExpiredToken(Expired):
    def __init__(self, message: str, continue_: str) -> None:
        super().__init__(message)
        self.continue_ = continue_

    def status(self) -> dict[str, object]:
        return {**super().status(), "metadata": {"continue": self.continue_}}
