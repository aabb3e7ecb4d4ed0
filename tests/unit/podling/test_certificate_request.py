"""Words: kubernetes/pkg/apis/certificates/helpers.go and its tests."""

import base64

import pytest

from podling.api import certificate_request as requests
from podling.api.certificate_request import CLIENT, KUBELET_CLIENT, KUBELET_SERVING, SIGNERS, Malformed
from tests.unit.certificate_requests import request

NODE, NODES = "system:node:a", ("system:nodes",)
SIGNS, BOTH = "digital signature", ("digital signature", "key encipherment")
NO_SIGNATURE = base64.b64encode(
    b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----"
).decode()


@pytest.mark.parametrize(
    ("signer", "named", "usages", "why"),
    [
        (CLIENT, ("ann", ("dev",)), (*BOTH, "client auth"), ""),
        (CLIENT, ("ann",), ("client auth",), ""),
        (CLIENT, ("ann",), BOTH, "missing required usage for client certificate: client auth"),
        (CLIENT, ("ann",), ("client auth", "server auth"), "invalid usage for client certificate: server auth"),
        (KUBELET_CLIENT, (NODE, NODES), (*BOTH, "client auth"), ""),
        (KUBELET_CLIENT, (NODE, NODES), (SIGNS, "client auth"), ""),
        (
            *(KUBELET_CLIENT, (NODE, NODES), ("client auth",)),
            "usages did not match [client auth digital signature key encipherment]",
        ),
        (KUBELET_CLIENT, (NODE, ()), (SIGNS, "client auth"), "subject organization is not system:nodes"),
        (KUBELET_CLIENT, (NODE, (*NODES, "x")), (SIGNS, "client auth"), "subject organization is not system:nodes"),
        (KUBELET_CLIENT, (NODE, NODES, "a.b"), (SIGNS, "client auth"), "DNS subjectAltNames are not allowed"),
        (KUBELET_CLIENT, (NODE, NODES, "a@b.c"), (SIGNS, "client auth"), "Email subjectAltNames are not allowed"),
        (KUBELET_CLIENT, (NODE, NODES, "10.0.0.1"), (SIGNS, "client auth"), "IP subjectAltNames are not allowed"),
        (KUBELET_CLIENT, (NODE, NODES, "a://b"), (SIGNS, "client auth"), "URI subjectAltNames are not allowed"),
        (
            *(KUBELET_CLIENT, ("ann", NODES), (SIGNS, "client auth")),
            "subject common name does not begin with system:node: ",
        ),
        (KUBELET_SERVING, (NODE, NODES, "a", "10.0.0.1"), (*BOTH, "server auth"), ""),
        (KUBELET_SERVING, (NODE, NODES), (*BOTH, "server auth"), "DNS or IP subjectAltName is required"),
        (KUBELET_SERVING, (NODE, NODES, "a", "a@b.c"), (SIGNS, "server auth"), "Email subjectAltNames are not allowed"),
        (
            *(KUBELET_SERVING, (NODE, NODES, "a"), (SIGNS, "client auth")),
            "usages did not match [digital signature key encipherment server auth]",
        ),
    ],
)
def test_what_a_signer_asks_for(signer: str, named: tuple[str, ...], usages: tuple[str, ...], why: str) -> None:
    asked = requests.subject(requests.parse(request(*named)))
    assert SIGNERS[signer](asked, usages) == why


@pytest.mark.parametrize(
    "text",
    [
        "",
        base64.b64encode(b"nothing").decode(),
        base64.b64encode(b"-----BEGIN KEY-----\nMA==\n-----END KEY-----").decode(),
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="PEM block type must be CERTIFICATE REQUEST"):
        requests.parse(text)


def test_a_damaged_request_is_refused() -> None:
    with pytest.raises(Malformed, match="asn1: syntax error: truncated tag or length"):
        requests.parse(NO_SIGNATURE)


def test_a_request_that_somebody_changed_is_refused() -> None:
    [block] = requests.blocks(base64.b64decode(request("ann")))
    changed = block.der.replace(b"ann", b"bob")
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(changed) + b"-----END CERTIFICATE REQUEST-----"
    with pytest.raises(Malformed, match="x509: ECDSA verification failure"):
        requests.check_signature(requests.parse(base64.b64encode(pem).decode()))
