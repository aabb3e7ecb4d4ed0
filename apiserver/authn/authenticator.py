"""Who is calling.

    certificate of the front proxy's CA ──▶ X-Remote-User, -Group, -Extra: another API server vouches
    client certificate ──▶ CN is the user, every O a group
    Authorization: Bearer ──▶ token file ──▶ bootstrap token ──▶ service account token ──▶ 401
    neither ──▶ system:anonymous

Whoever is known is also in the group system:authenticated. A certificate counts before a token, as in Kubernetes.
Source: k8s.io/apiserver/pkg/authentication/request/{headerrequest,x509,bearertoken,union,websocket}.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from apiserver.aggregation.identity import TOKEN_PROTOCOL
from apiserver.authn import bootstraptoken
from apiserver.authn.frontproxy import FrontProxy
from apiserver.authn.tokenfile import TokenFile
from apiserver.authn.tokens import CREDENTIAL_ID, InvalidToken, Issuer
from apiserver.lister import Lister
from apiserver.request import ANONYMOUS, User
from podling.api.errors import Unauthorized

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"


class Known(NamedTuple):
    """Whose token it is, and which of the audiences asked for it is meant for."""

    user: User
    audiences: tuple[str, ...]


class Authenticator:
    def __init__(
        self, issuer: Issuer, lister: Lister, token_file: Path | None = None, front_proxy: FrontProxy | None = None
    ) -> None:
        self.issuer, self._front_proxy = issuer, front_proxy
        self._lister = lister
        lines = token_file.read_text().splitlines() if token_file and token_file.exists() else []
        self._file = TokenFile(lines)

    def authenticate(
        self,
        subject: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        issuer: Sequence[tuple[str, str]] = (),
        certificate: bytes = b"",
    ) -> User:
        """`subject` and `issuer` are the verified client certificate's, as ssl tells them: (("commonName", "x"), …); ()
        for none. `certificate` is the whole, as DER. `headers` may hold a name several times."""
        if self._front_proxy is not None and self._front_proxy.issued(issuer):
            return known(self._front_proxy.user(subject, headers))
        user = certificate_user(subject, certificate)
        if user is not None:
            return known(user)
        token = bearer(headers)
        if not token:
            return ANONYMOUS
        try:
            return self.token(token, self.issuer.audiences).user
        except InvalidToken:
            raise Unauthorized from None

    def token(self, token: str, audiences: Sequence[str]) -> Known:
        """Raises `InvalidToken` with what TokenReview tells."""
        user = self._file.find(token) or bootstraptoken.find(self._lister, token)
        if user is not None:
            wanted = tuple(audience for audience in audiences if audience in self.issuer.audiences)
            if not wanted:
                raise InvalidToken("invalid bearer token")
            return Known(known(user), wanted)
        claims = self.issuer.verify(token, audiences)
        return Known(known(claims.user(self._lister)), claims.audiences)


def certificate_user(subject: Sequence[tuple[str, str]], certificate: bytes = b"") -> User | None:
    name = next((value for key, value in subject if key in {"commonName", "CN"}), "")
    if not name:
        return None
    groups = tuple(value for key, value in subject if key in {"organizationName", "O"})
    extra = {CREDENTIAL_ID: (f"X509SHA256={sha256(certificate).hexdigest()}",)} if certificate else {}
    return User(name, groups, extra=extra)


def known(user: User) -> User:
    if AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)


def bearer(headers: Mapping[str, str]) -> str:
    """The token of the Authorization header, or of the protocols that a browser's WebSocket offers; "" for none."""
    kind, _, token = (headers.get("Authorization") or headers.get("authorization") or "").strip().partition(" ")
    if kind.lower() == "bearer":
        return token.strip().partition(" ")[0]
    offered = headers.get("Sec-WebSocket-Protocol") or headers.get("sec-websocket-protocol") or ""
    for protocol in offered.split(","):
        encoded = protocol.strip()
        if encoded.startswith(TOKEN_PROTOCOL):
            text = encoded.removeprefix(TOKEN_PROTOCOL)
            try:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Unauthorized from None
    return ""
