import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubelet.server import is_allowed, serve
from kubelet.streams import LogOptions, NoSuchContainer, Output, Session, Target, Wants
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


class Deaf:
    """A command that reads nothing, says one word and has ended."""

    async def output(self) -> AsyncIterator[Output]:
        yield Output(b"done\n", False)

    async def write(self, data: bytes) -> None:
        raise BrokenPipeError

    def close_input(self) -> None:
        return None

    async def resize(self, width: int, height: int) -> None:
        return None

    async def exit_code(self) -> int:
        return 3

    def close(self) -> None:
        return None


class Talker(OneLine):
    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session:
        return Deaf()

    async def dial(self, target: Target, port: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.sendall(b"bye\n")
        theirs.close()
        ours.setblocking(False)
        return ours


@pytest.fixture
async def talker() -> AsyncIterator[Any]:
    server, port = await serve(Talker(), "127.0.0.1", 0, None)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield node_pb2_grpc.NodeStub(channel)
    await server.stop(0)


async def written_to(call: Any, message: Any) -> None:
    """As much as the other side takes, and until it has said all that it will."""
    with suppress(TimeoutError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for _ in range(100):
            async with asyncio.timeout(0.2):
                await call.write(message)


async def test_who_writes_to_a_command_that_has_ended_hears_all_that_it_said(talker: Any) -> None:
    call = talker.Exec(timeout=60)
    await call.write(pb.StreamInput(start=pb.StreamStart(command=["x"], stdin=True, stdout=True)))
    await written_to(call, pb.StreamInput(stdin=b"x" * 30_000))
    assert (await call.read()).stdout == b"done\n"
    assert (await call.read()).exit.code == 3
    call.cancel()


async def test_who_writes_to_a_port_that_has_closed_hears_all_that_it_said(talker: Any) -> None:
    call = talker.PortForward(timeout=60)
    await call.write(pb.PortForwardInput(start=pb.PortForwardStart(port=80)))
    await written_to(call, pb.PortForwardInput(data=b"x" * 30_000))
    assert (await call.read()).data == b"bye\n"
    assert (await call.read()).closed
    call.cancel()
