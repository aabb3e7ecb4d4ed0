import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubelet.server import is_allowed, serve
from kubelet.streams import LogOptions, NoSuchContainer, Session, Target, Wants
from podling import pki
from podling.loop.service import Tls
from podling.pb.node import node_pb2 as pb
from podling.pb.node import node_pb2_grpc


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


class OneLine:
    """A node with one container, which has written one line."""

    async def logs(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        if target.container != "app":
            raise NoSuchContainer(f'container not found ("{target.container}")')
        return self._line()

    async def _line(self) -> AsyncIterator[bytes]:
        yield b"hello\n"

    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session:
        raise NoSuchContainer("none")

    async def attach(self, target: Target, wants: Wants) -> Session:
        raise NoSuchContainer("none")

    async def dial(self, target: Target, port: int) -> socket.socket:
        raise NoSuchContainer("none")


async def first_line(folder: Path, port: int, leaf: str, container: str = "app") -> bytes:
    """The logs as the owner of a certificate gets them; "" has none."""
    ca, *own = (folder / name for name in ("ca.crt", *([f"{leaf}.key", f"{leaf}.crt"] if leaf else [])))
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), *(each.read_bytes() for each in own))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        request = pb.LogsRequest(container=pb.ContainerRef(namespace="default", pod="web", container=container))
        chunks = node_pb2_grpc.NodeStub(channel).Logs(request, timeout=60)
        return b"".join([chunk.data async for chunk in chunks])


async def test_the_service_takes_the_api_servers_certificate_and_refuses_others(tmp_path: Path) -> None:
    pki.ensure(tmp_path, ["n1"])
    tls = Tls(*(tmp_path / name for name in ("ca.crt", "node-n1.crt", "node-n1.key")))
    server, port = await serve(OneLine(), "127.0.0.1", 0, tls)
    try:
        assert await first_line(tmp_path, port, "apiserver-kubelet-client") == b"hello\n"
        assert await first_line(tmp_path, port, "admin") == b"hello\n"
        for leaf, code in (("node-n1", grpc.StatusCode.PERMISSION_DENIED), ("", grpc.StatusCode.UNAVAILABLE)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await first_line(tmp_path, port, leaf)
            assert caught.value.code() is code
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await first_line(tmp_path, port, "admin", container="other")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert caught.value.details() == 'container not found ("other")'
    finally:
        await server.stop(0)
