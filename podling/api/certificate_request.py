"""What stands in a CertificateSigningRequest: its PKCS #10 request, and what Kubernetes' own signers ask of it. Pure.

Source: k8s.io/kubernetes/pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer.
"""

import base64
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from podling.api import der

CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY = (
    f"kubernetes.io/{name}"
    for name in ("kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown")
)
NODES, NODE_PREFIX = "system:nodes", "system:node:"
CERTIFICATE, REQUEST = "CERTIFICATE", "CERTIFICATE REQUEST"
_BLOCK = re.compile(rb"-----BEGIN ([^\n-]+)-----\r?\n(.*?)-----END \1-----", re.S)


class Malformed(ValueError):
    """The message is what a user is told."""


class Block(NamedTuple):
    """One of a PEM file: what it is, its headers, its DER."""

    type: str
    headers: bytes
    der: bytes


def blocks(pem: bytes) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(pem):
        headers, blank, body = match[2].partition(b"\n\n")
        headers, body = (headers, body) if blank and b":" in headers else (b"", match[2])
        try:
            found.append(Block(match[1].decode(), headers, base64.b64decode(b"".join(body.split()), validate=True)))
        except ValueError:
            continue  # no block, to Go's pem.Decode
    return found


def parse(request: str) -> x509.CertificateSigningRequest:
    """Of `spec.request`, base64 of PEM; raises `Malformed`."""
    first = next(iter(blocks(base64.b64decode(request))), None)
    if first is None or first.type != REQUEST:
        raise Malformed("PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_der_x509_csr(first.der)
    except ValueError as error:
        raise Malformed(
            der.wrong_sequence(first.der, "certificateRequest") or f"asn1: structure error: {error}"
        ) from None


def check_signature(request: x509.CertificateSigningRequest) -> None:
    """Raises `Malformed` where it was not made with its own key."""
    try:
        signed = request.is_signature_valid
    except (InvalidSignature, ValueError, TypeError):
        signed = False
    if not signed:
        key = request.public_key()
        raise Malformed(
            "x509: ECDSA verification failure"
            if isinstance(key, ec.EllipticCurvePublicKey)
            else "x509: Ed25519 verification failure"
            if isinstance(key, ed25519.Ed25519PublicKey)
            else "crypto/rsa: verification error"
        )


def check_certificates(pem: bytes) -> None:
    """Raises `Malformed` unless it is certificates and nothing else; nothing at all is fine."""
    if not pem:
        return
    found = blocks(pem)
    for block in found:
        if block.type != CERTIFICATE:
            raise Malformed(f'only CERTIFICATE PEM blocks are allowed, found "{block.type}"')
        if block.headers:
            raise Malformed("no PEM block headers are permitted")
        try:
            x509.load_der_x509_certificate(block.der)
        except ValueError:
            raise Malformed("x509: malformed certificate") from None
    if not found:
        raise Malformed("must contain at least one CERTIFICATE PEM block")


class Subject(NamedTuple):
    """Whom a request names."""

    common_name: str
    organizations: list[str]
    names: dict[type[x509.GeneralName], int]  # how many of each kind


def subject(request: x509.CertificateSigningRequest) -> Subject:
    common = [str(each.value) for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    names: dict[type[x509.GeneralName], int] = {}
    try:
        for name in request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
            names[type(name)] = names.get(type(name), 0) + 1
    except x509.ExtensionNotFound:
        pass
    return Subject(common[-1] if common else "", [str(each.value) for each in organizations], names)


# What each signer asks for: the reason why it does not sign, "" where it does.

_DNS, _EMAIL, _IP, _URI = x509.DNSName, x509.RFC822Name, x509.IPAddress, x509.UniformResourceIdentifier
_SHOWN = {_DNS: "DNS", _EMAIL: "Email", _IP: "IP", _URI: "URI"}


def why_not_client(of: Subject, usages: Collection[str]) -> str:
    for usage in usages:
        if usage not in ("digital signature", "key encipherment", "client auth"):
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def why_not_kubelet_client(of: Subject, usages: Collection[str]) -> str:
    if of.organizations != [NODES]:
        return "subject organization is not system:nodes"
    for kind in (_DNS, _EMAIL, _IP, _URI):
        if of.names.get(kind):
            return f"{_SHOWN[kind]} subjectAltNames are not allowed"
    if not of.common_name.startswith(NODE_PREFIX):
        return "subject common name does not begin with system:node: "
    return _why_not_usages(usages, "client auth")


def why_not_kubelet_serving(of: Subject, usages: Collection[str]) -> str:
    if of.organizations != [NODES]:
        return "subject organization is not system:nodes"
    if not of.names.get(_DNS) and not of.names.get(_IP):
        return "DNS or IP subjectAltName is required"
    for kind in (_EMAIL, _URI):
        if of.names.get(kind):
            return f"{_SHOWN[kind]} subjectAltNames are not allowed"
    if why := _why_not_usages(usages, "server auth"):
        return why
    return "" if of.common_name.startswith(NODE_PREFIX) else "subject common name does not begin with system:node: "


def _why_not_usages(usages: Collection[str], purpose: str) -> str:
    """A key that is not RSA enciphers no keys."""
    full = {"digital signature", "key encipherment", purpose}
    if set(usages) in (full, full - {"key encipherment"}):
        return ""
    return f"usages did not match [{' '.join(sorted(full))}]"


SIGNERS: dict[str, Callable[[Subject, Collection[str]], str]] = {
    CLIENT: why_not_client,
    KUBELET_CLIENT: why_not_kubelet_client,
    KUBELET_SERVING: why_not_kubelet_serving,
}
