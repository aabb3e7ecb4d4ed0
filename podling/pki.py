"""The cluster's certificates: an authority, a leaf for each user and server, made at first start and renewed in time.

Files in `pki/` (keys 0600): `ca`, `apiserver`, `admin`, `scheduler`, `controllers`, `apiserver-kubelet-client` and
`node-<node>` as `.crt` and `.key` (EC P-256); `sa.key` and `sa.pub` (RSA 2048) sign service account tokens;
`tokens.csv` holds bearer tokens (token,user,uid,"group,group"), empty until somebody adds one. The store has an
authority of its own, `etcd-ca`, with `etcd-server` and `etcd-client`: no user of the API may open it. So has what the
API server shows to the API servers behind it, which then believe it who the user is: `front-proxy-ca` and
`front-proxy-client`.

A leaf is made again when it is missing or unreadable, was signed by another authority, lacks a name it needs, or has
less than 30 days left; the authority only when it is missing, unreadable or has less than 30 days left.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from podling.files import write_atomically

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)

AUTHORITIES = {"ca": "kubernetes", "etcd-ca": "etcd-ca", "front-proxy-ca": "front-proxy-ca"}  # file and common name
LOOPBACK = ("127.0.0.1", "::1", "localhost")
APISERVER_NAMES = (
    *LOOPBACK,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "10.96.0.1",
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One certificate to be had: who it names, and for servers under which names and addresses they are reached."""

    file: str
    common_name: str
    organizations: Sequence[str] = ()
    server_names: Sequence[str] = ()
    authority: str = "ca"


@dataclass(frozen=True, slots=True)
class Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def leaves(nodes: Iterable[str], hostname: str, addresses: Sequence[str] = ()) -> list[Leaf]:
    """Every certificate that a cluster needs. Users and groups are those of Kubernetes' own PKI."""
    return [
        Leaf("apiserver", "kube-apiserver", server_names=(*APISERVER_NAMES, hostname, *addresses)),
        Leaf("apiserver-kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",)),
        Leaf("admin", "kubernetes-admin", ("system:masters",)),
        Leaf("scheduler", "system:kube-scheduler", server_names=LOOPBACK),
        Leaf("controllers", "system:kube-controller-manager", ("system:masters",), server_names=LOOPBACK),
        Leaf("etcd-server", "etcd", server_names=(*LOOPBACK, hostname), authority="etcd-ca"),
        Leaf("etcd-client", "root", authority="etcd-ca"),
        Leaf("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
        *(
            Leaf(f"node-{node}", f"system:node:{node}", ("system:nodes",), server_names=(node, *LOOPBACK, hostname))
            for node in nodes
        ),
    ]


def ensure(
    folder: Path,
    nodes: Iterable[str],
    now: datetime | None = None,
    hostname: str | None = None,
    *,
    addresses: Sequence[str] = (),
) -> None:
    """Make or renew whatever is missing or near its end. Whoever calls holds the cluster's lock. `addresses` are
    further ones of the API server."""
    now = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authorities = {
        file: _usable_authority(folder, file, now) or _make_authority(folder, file, name, now)
        for file, name in AUTHORITIES.items()
    }
    for leaf in leaves(nodes, hostname or socket.gethostname(), addresses):
        authority = authorities[leaf.authority]
        if not _is_usable(folder, leaf, authority, now):
            _make_leaf(folder, leaf, authority, now)
    if not _is_service_account_key(folder):
        _make_service_account_key(folder)
    if not (folder / "tokens.csv").exists():
        write_atomically(folder / "tokens.csv", b"", mode=0o600)


def authority(folder: Path, file: str = "ca") -> Pair | None:
    """The authority itself, for who signs with it; None where it is not here."""
    return _load(folder, file)


def issue(folder: Path, leaf: Leaf, now: datetime | None = None) -> None:
    """One more certificate of an authority that is there: of a server beside the cluster's own."""
    found = authority(folder, leaf.authority)
    if found is None:
        raise FileNotFoundError(f"there is no authority {leaf.authority} in {folder}")
    _make_leaf(folder, leaf, found, now or datetime.now(UTC))


def _load(folder: Path, file: str) -> Pair | None:
    """None when missing, damaged, or when certificate and key belong to different pairs."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{file}.crt").read_bytes())
        key = serialization.load_pem_private_key((folder / f"{file}.key").read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        return None
    return Pair(certificate, key)


def _usable_authority(folder: Path, file: str, now: datetime) -> Pair | None:
    pair = _load(folder, file)
    return pair if pair and _is_valid_at(pair.certificate, now) else None


def _is_valid_at(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now and now + RENEW_BEFORE < certificate.not_valid_after_utc


def _is_usable(folder: Path, leaf: Leaf, authority: Pair, now: datetime) -> bool:
    pair = _load(folder, leaf.file)
    if pair is None or not _is_valid_at(pair.certificate, now):
        return False
    certificate = pair.certificate
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # cryptography: ValueError, TypeError or InvalidSignature, all of them "not by this authority"
        return False
    return certificate.subject == _subject(leaf) and set(leaf.server_names) <= _names(certificate)


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = found.get_values_for_type(x509.IPAddress)
    return {*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)}


def _subject(leaf: Leaf) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in leaf.organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name),
        ]
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_authority(folder: Path, file: str, common_name: str, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _save(folder, file, Pair(certificate, key))


def _make_leaf(folder: Path, leaf: Leaf, authority: Pair, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.server_names else [])]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(leaf))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if leaf.server_names:
        names = x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(leaf.server_names)])
        builder = builder.add_extension(names, critical=False)
    return _save(folder, leaf.file, Pair(builder.sign(authority.key, hashes.SHA256()), key))


def _save(folder: Path, file: str, pair: Pair) -> Pair:
    """The key first: a crash in between leaves a pair that does not match, which `_load` refuses."""
    write_atomically(folder / f"{file}.key", _private_pem(pair.key), mode=0o600)
    write_atomically(folder / f"{file}.crt", pair.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return pair


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _is_service_account_key(folder: Path) -> bool:
    try:
        key = serialization.load_pem_private_key((folder / "sa.key").read_bytes(), password=None)
        public = serialization.load_pem_public_key((folder / "sa.pub").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return key.public_key() == public


def _make_service_account_key(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(folder / "sa.key", _private_pem(key), mode=0o600)
    write_atomically(folder / "sa.pub", public, mode=0o644)
