"""Who is calling, as an API server behind this one is told: X-Remote-* headers, believed for the certificate that comes
with them. Pure.

Source: k8s.io/client-go/transport/round_trippers.go (SetAuthProxyHeaders), k8s.io/apimachinery/pkg/util/net.
"""

from collections.abc import Iterable
from urllib.parse import quote, unquote

from apiserver.request import User

USER, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
TOKEN_PROTOCOL = "base64url.bearer.authorization.k8s.io."
_TOKEN = "!#$&'*+-.^_`|~"  # what a header's name may hold besides letters and digits, % itself apart

Headers = list[tuple[str, str]]


def headers(user: User) -> Headers:
    found = [(USER, user.name)]
    if user.uid:
        found.append((UID, user.uid))
    found += [(GROUP, group) for group in user.groups]
    return found + [
        (EXTRA + quote(key, safe=_TOKEN), value) for key, values in sorted(user.extra.items()) for value in values
    ]


def is_about_identity(name: str) -> bool:
    """A header that says who somebody is: the client's own are for this server alone."""
    lowered = name.lower()
    return lowered == "authorization" or lowered.startswith(("x-remote-", "impersonate-"))


def protocols(offered: str) -> str:
    """What a WebSocket offers, without the token that a browser may put there."""
    kept = [word.strip() for word in offered.split(",") if not word.strip().startswith(TOKEN_PROTOCOL)]
    return ", ".join(kept)


def user(found: Iterable[tuple[str, str]]) -> User | None:
    """The other direction: whom the headers name; None where they name nobody."""
    name, uid = "", ""
    groups: list[str] = []
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in found:
        lowered = header.lower()
        if lowered == USER.lower():
            name = name or value
        elif lowered == UID.lower():
            uid = uid or value
        elif lowered == GROUP.lower():
            groups.append(value)
        elif lowered.startswith(EXTRA.lower()):
            key = unquote(lowered[len(EXTRA) :])
            extra[key] = (*extra.get(key, ()), value)
    return User(name, tuple(groups), uid, extra) if name else None
