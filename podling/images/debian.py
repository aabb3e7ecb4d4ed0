"""Debian's packages as files: fetched with everything they need, unpacked nowhere, never installed."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path


class DebianError(Exception):
    """apt cannot do it; the message has its last words."""


def apt(*arguments: str) -> None:
    """apt-get, after one `update` where the first try fails (a machine without package lists)."""
    if not shutil.which("apt-get"):
        raise DebianError("apt-get is not here: this is not Debian or Ubuntu")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", "-o", "Acquire::Retries=2", *arguments]
    update = ["apt-get", "-q", "update"]
    for attempt in (command, update, command):
        result = subprocess.run(attempt, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if attempt is command and result.returncode == 0:
            return
    lines = result.stderr.decode(errors="replace").splitlines()
    raise DebianError(f"`{' '.join(command)}` failed:\n" + "\n".join(lines[-5:]))


def fetch(packages: Sequence[str], folder: Path) -> list[Path]:
    """The packages and all that they depend on, as if nothing were installed: .deb files in `folder`."""
    status = folder / "status"
    status.touch()
    (folder / "partial").mkdir(exist_ok=True)
    with contextlib.suppress(KeyError):  # apt fetches as this user where there is one
        if os.geteuid() == 0:
            os.chown(folder / "partial", pwd.getpwnam("_apt").pw_uid, -1)
    apt(
        *("-o", f"Dir::State::status={status}"),
        *("-o", f"Dir::Cache::archives={folder}/"),
        *("-o", "Debug::NoLocking=1"),
        *("-y", "--no-install-recommends", "--download-only", "install"),
        *packages,
    )
    return sorted(folder.glob("*.deb"))


@contextlib.contextmanager
def tar_of(package: Path) -> Iterator[Path]:
    """The package's files as a tar on disk."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        result = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=file, stderr=subprocess.PIPE, check=False
        )
        if result.returncode != 0:
            raise DebianError(f"{package.name}: {result.stderr.decode(errors='replace').strip()}")
        yield Path(file.name)
