from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubelet.server import is_allowed


def certificate(common_name: str, organization: str) -> bytes:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name(names), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("common_name", "organization", "allowed"),
    [
        ("kube-apiserver-kubelet-client", "", True),
        ("kubernetes-admin", "system:masters", True),
        ("system:node:n1", "system:nodes", False),
        ("system:masters", "", False),
    ],
)
def test_only_the_api_server_and_masters_may_ask_a_kubelet(common_name: str, organization: str, allowed: bool) -> None:
    assert is_allowed(certificate(common_name, organization)) is allowed
