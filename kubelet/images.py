"""Whether an image must be pulled, with which login, and what is said about it. Pure.

Source: k8s.io/kubernetes/pkg/kubelet/images, pkg/credentialprovider, github.com/distribution/reference.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from kubelet.runtime import ImageError, ImageSeen

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,}))?"
)
DEFAULT_REGISTRY = "index.docker.io"


class Verdict(Enum):
    READY = "ready"
    PULL = "pull"
    REFUSED = "refused"


def check_name(name: str) -> None:
    """Raises `ImageError` for what is no image name."""
    if not _NAME.fullmatch(name):
        why = f'couldn\'t parse image name "{name}": invalid reference format'
        raise ImageError("InvalidImageName", f'Failed to apply default image tag "{name}": {why}')


def policy_of(container: Any) -> str:
    """As the API server defaults it: Always for `:latest` and no tag."""
    if container.imagePullPolicy:
        return str(container.imagePullPolicy)
    found = _NAME.fullmatch(container.image)
    tag, digest = (found["tag"], found["digest"]) if found else (None, None)
    return "Always" if (tag or "latest") == "latest" and not digest else "IfNotPresent"


def judge(policy: str, seen: ImageSeen | None, pulled: bool) -> Verdict:
    """`pulled`: it was pulled for this very start."""
    if pulled or (policy != "Always" and seen):
        return Verdict.READY
    return Verdict.REFUSED if policy == "Never" else Verdict.PULL


def never_message(image: str) -> str:
    return f'Container image "{image}" is not present with pull policy of Never'


def registry_of(image: str) -> str:
    """The registry's host, as docker's configuration names it."""
    head, slash, _ = image.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return DEFAULT_REGISTRY if head in ("docker.io", "index.docker.io") else head
    return DEFAULT_REGISTRY


def logins(secrets: Iterable[Any], image: str) -> list[dict[str, str]]:
    """The logins of pull secrets (typed) that fit an image, in order."""
    wanted = registry_of(image)
    found = []
    for secret in secrets:
        for address, login in _addresses(secret.data or {}).items():
            host = re.sub(r"^https?://", "", address).partition("/")[0]
            host = DEFAULT_REGISTRY if host == "docker.io" else host
            if host == wanted:
                found.append(_login(address, login))
    return found


def _addresses(data: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        if text := data.get(".dockerconfigjson"):
            return dict(json.loads(base64.b64decode(text)).get("auths") or {})
        return dict(json.loads(base64.b64decode(data.get(".dockercfg") or "e30=")))
    except (ValueError, AttributeError):
        return {}


def _login(address: str, login: Mapping[str, str]) -> dict[str, str]:
    user, password = login.get("username", ""), login.get("password", "")
    if not user and login.get("auth"):
        user, _, password = base64.b64decode(login["auth"]).decode().partition(":")
    return {"username": user, "password": password, "serveraddress": address}
