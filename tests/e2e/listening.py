"""Servers in the tests' own process, for probes and hooks that ask elsewhere, and containers that tell what they do."""

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from podling import pki


class Ear:
    """An HTTP server on all addresses: 200 to every GET, 500 under /no. `heard` are the paths, `headers` those of the
    last request of each path."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port: int = server.server_address[1]
        self.heard: list[str] = []
        self.headers: dict[str, list[tuple[str, str]]] = {}

    def hears(self, path: str) -> bool:
        return path in self.heard


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[Ear]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ear.heard.append(self.path)
            ear.headers[self.path] = self.headers.items()
            self.send_response(500 if self.path.startswith("/no") else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("0.0.0.0", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        ear = Ear(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ear
        finally:
            server.shutdown()
            thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody has reason to trust."""
    pki.ensure(folder, [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "scheduler.crt", folder / "scheduler.key")
    return context


@contextmanager
def serving_health(**services: bool) -> Iterator[int]:
    """A gRPC server on all addresses that tells the health of each service; its port."""
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads)
        servicer = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        for name, serves in services.items():
            status = health_pb2.HealthCheckResponse.SERVING if serves else health_pb2.HealthCheckResponse.NOT_SERVING
            servicer.set(name, status)
        port = server.add_insecure_port("0.0.0.0:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(0).wait()
