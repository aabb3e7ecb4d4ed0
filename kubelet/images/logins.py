"""Which logins a pod's pull secrets hold for an image. Pure.

    auths of .dockerconfigjson, or .dockercfg     an image          fits
    ───────────────────────────────────────────────────────────────────────────────────────────
    registry.example                              registry.example/a/b       the host
    https://registry.example/v1/                  registry.example/a/b       scheme, /v1/ and /v2/ do not count
    registry.example/a                            registry.example/a/b       the path's beginning
    *.example                                     registry.example/a/b       each label of the host is a pattern
    https://index.docker.io/v1/, docker.io        nginx                      the default registry

Of several that fit, the more special comes first; all are tried in turn.
Source: k8s.io/kubernetes/pkg/credentialprovider (keyring.go, config.go).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubelet.images import names as image_names

DEFAULT_REGISTRIES = ("index.docker.io", "docker.io")


class BadSecret(Exception):
    """A pull secret that cannot be read."""


class Secret(NamedTuple):
    """Where a login comes from."""

    namespace: str
    name: str
    uid: str


class Login(NamedTuple):
    """`secret` is None for the machine's own."""

    username: str
    password: str
    address: str  # as the configuration names it: Docker's serveraddress
    identity_token: str = ""
    secret: Secret | None = None

    @property
    def hash(self) -> str:
        """Tells whether it is the same login, without keeping it."""
        text = json.dumps([self.username, self.password, self.identity_token])
        return hashlib.sha256(text.encode()).hexdigest()


class _Place(NamedTuple):
    host: str
    port: int | None
    path: str


def logins(secrets: Iterable[Any], image: str) -> list[Login]:
    """Those of the pull secrets (typed) that fit an image, the more special first. Errors: BadSecret."""
    known = [(_place(login.address), login) for secret in secrets for login in _logins(secret)]
    known.sort(key=lambda each: each[0].host + each[0].path, reverse=True)
    target = _place(image_names.repository(image))
    found = [login for place, login in known if _fits(place, target)]
    if found or target.host != image_names.DOCKER_HUB:
        return found
    return [login for place, login in known if place.host in DEFAULT_REGISTRIES and not place.path]


def _place(address: str) -> _Place:
    parts = urlsplit(address if address.startswith(("https://", "http://")) else f"https://{address}")
    path = parts.path[3:] if parts.path.startswith(("/v1/", "/v2/")) else parts.path
    try:
        port = parts.port
    except ValueError:
        port = None
    return _Place(parts.hostname or "", port, path if path != "/" else "")


def _fits(place: _Place, target: _Place) -> bool:
    labels, wanted = place.host.split("."), target.host.split(".")
    if place.port != target.port or len(labels) != len(wanted) or not target.path.startswith(place.path):
        return False
    return all(fnmatchcase(there, pattern) for pattern, there in zip(labels, wanted, strict=True))


def _logins(secret: Any) -> Iterable[Login]:
    meta = secret.metadata
    where = Secret(meta.namespace or "", meta.name or "", meta.uid or "")
    for address, entry in _entries(secret.data or {}, where).items():
        username, password = _user(entry, where)
        if username or password:
            yield Login(username, password, address, secret=where)


def _entries(data: Mapping[str, str], where: Secret) -> Mapping[str, Any]:
    try:
        if text := data.get(".dockerconfigjson"):
            found = json.loads(base64.b64decode(text)).get("auths") or {}
        elif text := data.get(".dockercfg"):
            found = json.loads(base64.b64decode(text))
        else:
            return {}
        return {address: dict(entry) for address, entry in found.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BadSecret(f"secret {where.namespace}/{where.name} is no docker configuration: {error}") from error


def _user(entry: Mapping[str, Any], where: Secret) -> tuple[str, str]:
    """`auth`, base64 of user:password, wins over both alone."""
    auth = entry.get("auth")
    if not auth:
        return str(entry.get("username") or ""), str(entry.get("password") or "")
    try:
        text = base64.b64decode(auth + "=" * (-len(auth) % 4), validate=True).decode()
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadSecret(f"secret {where.namespace}/{where.name}: {error}") from error
    user, colon, password = text.partition(":")
    if not colon:
        raise BadSecret("unable to parse auth field, must be formatted as base64(username:password)")
    return user, password
