"""Another API server in front of this one says who is calling: its certificate is of a CA that signs nothing else.

Source: k8s.io/apiserver/pkg/authentication/request/headerrequest.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from apiserver.aggregation import identity
from apiserver.request import User
from podling.api.errors import Unauthorized

ALLOWED = ("front-proxy-client",)


class FrontProxy:
    """`authority` is the front proxies' CA; `users` the one of the users, whose name must be another: a certificate
    tells only the name of who has signed it."""

    def __init__(self, authority: Path, users: Path) -> None:
        self._authority = _name(authority)
        if self._authority == _name(users):
            raise ValueError(f"the CA of front proxies and the CA of users are both named {self._authority!r}")

    def issued(self, issuer: Sequence[tuple[str, str]]) -> bool:
        return ("commonName", self._authority) in issuer

    def user(self, subject: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> User:
        """Raises `Unauthorized` where the certificate may not vouch, or nobody is named."""
        found = identity.user(headers.items()) if any(("commonName", name) in subject for name in ALLOWED) else None
        if found is None:
            raise Unauthorized
        return found


def _name(file: Path) -> str:
    subject = x509.load_pem_x509_certificate(file.read_bytes()).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
