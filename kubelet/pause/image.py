"""What the engine imports as the pause image, and under which name.

The name carries the program's hash: a podling with another pause never runs an old one by mistake.
"""

import base64
import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

REPOSITORY = "podling/pause"
UNSHARE_REFUSED = 111  # the exit code of `/pause unshare` where it may not leave the host's network namespace


class NoPause(Exception):
    """No program for this architecture."""


def program(architecture: str) -> bytes:
    """The static executable for an engine's architecture: x86_64 and aarch64 are shipped, another one is compiled
    where podling runs on such a machine itself and gcc is there."""
    shipped = files("kubelet.pause").joinpath(f"{architecture}.b64")
    if shipped.is_file():
        return base64.b64decode(shipped.read_text())
    return _compiled(architecture)


def _compiled(architecture: str) -> bytes:
    compiler = shutil.which("gcc") if platform.machine() == architecture else None
    if not compiler:
        raise NoPause(f"there is no pause program for {architecture}: install gcc there, which builds one")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "pause")
        source = str(files("kubelet.pause").joinpath("pause.c"))
        done = subprocess.run(
            [compiler, "-Os", "-static", "-s", "-o", str(output), source], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NoPause(f"the pause program for {architecture} does not compile: {done.stderr.strip()}")
        return output.read_bytes()


def tag(executable: bytes) -> str:
    return hashlib.sha256(executable).hexdigest()[:12]


def archive(executable: bytes) -> bytes:
    """A tar of the root file system: the program alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(executable), 0o755
        tar.addfile(entry, io.BytesIO(executable))
    return buffer.getvalue()
