"""The engine's HTTP API, as far as images need it."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from podling.images.engine import Engine, EngineError, split_name


class _Docker(BaseHTTPRequestHandler):
    """An engine that has one image, `there`, and takes imports; of registries it knows only that they are away."""

    protocol_version = "HTTP/1.1"
    imported: dict[str, Any] = {}

    def do_GET(self) -> None:
        if self.path == "/_ping":
            self._answer(200, b"OK")
        elif self.path == "/images/there/json":
            self._answer(200, b"{}")
        else:
            self._answer(404, json.dumps({"message": "No such image: absent"}).encode())

    def do_POST(self) -> None:
        if "fromImage" in self.path:
            lines = [{"status": "Pulling"}, {"error": "manifest unknown"}]
            self._answer(200, b"\r\n".join(json.dumps(line).encode() for line in lines))
            return
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.imported.update(path=self.path, body=body)
        self._answer(200, b'{"status":"sha256:1"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    path = str(tmp_path / "docker.sock")
    with socketserver.ThreadingUnixStreamServer(path, _Docker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Engine(f"unix://{path}")
        server.shutdown()
        thread.join()


def test_an_engine_that_answers_has_no_problem(engine: Engine, tmp_path: Path) -> None:
    assert engine.problem() == ""
    assert "No such file" in Engine(f"unix://{tmp_path}/absent.sock").problem()
    assert "ssh://" in Engine("ssh://somewhere").problem()


def test_an_image_is_there_or_not(engine: Engine) -> None:
    assert engine.has_image("there")
    assert not engine.has_image("absent")


def test_a_pull_that_fails_after_it_began_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError, match="manifest unknown"):
        engine.pull("busybox", 1)


def test_a_tar_is_imported_with_its_config(engine: Engine) -> None:
    engine.import_image("a/b:1", iter([b"one", b"two"]), ['CMD ["sh"]', "EXPOSE 80"])
    assert _Docker.imported["body"] == b"onetwo"
    expected = "repo=a%2Fb&tag=1&changes=CMD+%5B%22sh%22%5D&changes=EXPOSE+80"
    assert _Docker.imported["path"] == f"/images/create?fromSrc=-&{expected}"


def test_a_registrys_port_is_no_tag() -> None:
    assert split_name("nginx") == ("nginx", "latest")
    assert split_name("nginx:1.27") == ("nginx", "1.27")
    assert split_name("localhost:5000/a/b") == ("localhost:5000/a/b", "latest")
    assert split_name("localhost:5000/a/b:2") == ("localhost:5000/a/b", "2")
