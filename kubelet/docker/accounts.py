"""Reads an image's /etc/passwd and /etc/group through the engine: once an image, from a container that never runs."""

import io
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from docker.errors import NotFound

from kubelet.accounts import Accounts, needs_accounts, with_groups
from kubelet.docker.engine import DockerEngine
from kubelet.docker.spec import CLUSTER
from kubelet.runtime import Security

MOST_BYTES = 1 << 20
FILES = ("/etc/passwd", "/etc/group")


class ImageAccounts:
    """Blocks."""

    def __init__(self, connection: DockerEngine, owner: Mapping[str, str]) -> None:
        self._connection, self._owner = connection, owner
        self._known: dict[str, Accounts] = {}

    def resolved(self, security: Security, image: str) -> Security:
        """With the groups that the policy gives; asks the engine only where it would not do the same itself."""
        if not needs_accounts(security):
            return security
        inspected = self._connection.client().inspect_image(image)
        return with_groups(security, self._of(inspected["Id"]), inspected["Config"].get("User") or "")

    def _of(self, image_id: str) -> Accounts:
        if image_id not in self._known:
            self._known[image_id] = self._read(image_id)
        return self._known[image_id]

    def _read(self, image_id: str) -> Accounts:
        client = self._connection.client()
        labels = {CLUSTER: self._owner[CLUSTER]}  # of no node: it is no pod's, and goes with the cluster at the latest
        config = {"Image": image_id, "Cmd": ["none"], "NetworkDisabled": True, "Labels": labels}
        id = client.create_container_from_config(config, None)["Id"]
        try:
            return Accounts(*(_text(client, id, path) for path in FILES))
        finally:
            with suppress(NotFound):
                client.remove_container(id, force=True, v=True)


def _text(client: Any, id: str, path: str) -> str:
    """ "" where the image has no such file."""
    try:
        stream, _ = client.get_archive(id, path)
    except NotFound:
        return ""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        file = next((tar.extractfile(entry) for entry in tar if entry.isfile()), None)
        return file.read(MOST_BYTES).decode(errors="replace") if file else ""
