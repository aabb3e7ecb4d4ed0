"""The files that the kubelet gives to the engine for a pod: hosts, resolv.conf and the termination messages.

<state_dir>/pods/<uid>/sandbox/<attempt>/{hosts,resolv.conf}          bound onto the pause; members see the same files
<state_dir>/pods/<uid>/containers/<name>/<attempt>                    one termination message an instance
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kubelet.runtime import SandboxWanted

TERMINATION_MESSAGE_BYTES = 4096
HOSTS = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


Aliases = Sequence[tuple[str, Sequence[str]]]


def hosts_text(ip: str, names: Sequence[str], aliases: Aliases) -> str:
    """`names` are the pod's own, the full one first."""
    return f"{HOSTS}" + "\t".join([ip, *names]) + f"\n{aliases_text(aliases)}"


def host_network_hosts_text(host_file: str, aliases: Aliases) -> str:
    """For a pod in the host's network: the host's own file, and the pod's aliases."""
    return f"# Kubernetes-managed hosts file (host network).\n{host_file}{aliases_text(aliases)}"


def aliases_text(aliases: Aliases) -> str:
    lines = [f"{ip}\t" + "\t".join(names) + "\n" for ip, names in aliases]
    return "\n# Entries added by HostAliases.\n" + "".join(lines) if lines else ""


def resolv_conf_text(nameservers: Sequence[str], searches: Sequence[str], options: Sequence[str]) -> str:
    lines = [f"search {' '.join(searches)}"] if searches else []
    lines += [f"nameserver {server}" for server in nameservers]
    lines += [f"options {' '.join(options)}"] if options else []
    return "".join(f"{line}\n" for line in lines)


class PodFiles:
    """Blocking, each call some files. Nothing is remembered but on disk."""

    def __init__(self, state_dir: Path) -> None:
        self._pods = state_dir / "pods"

    def write_sandbox(self, wanted: SandboxWanted, ip: str) -> dict[str, Path]:
        """By the path in the container. Without nameservers and searches the engine's resolv.conf stays."""
        folder = self._pods / wanted.ref.uid / "sandbox" / str(wanted.attempt)
        folder.mkdir(parents=True, exist_ok=True)
        if wanted.host_network:
            hosts = host_network_hosts_text(_text_of(Path("/etc/hosts")), wanted.host_aliases)
        else:
            hosts = hosts_text(ip, wanted.names, wanted.host_aliases)
        written = {"/etc/hosts": folder / "hosts"}
        written["/etc/hosts"].write_text(hosts)
        if wanted.nameservers or wanted.searches:
            written["/etc/resolv.conf"] = folder / "resolv.conf"
            text = resolv_conf_text(wanted.nameservers, wanted.searches, wanted.dns_options)
            written["/etc/resolv.conf"].write_text(text)
        return written

    def remove_sandbox(self, uid: str, attempt: int) -> None:
        shutil.rmtree(self._pods / uid / "sandbox" / str(attempt), ignore_errors=True)
        self._remove_empty(self._pods / uid / "sandbox")

    def termination_message_file(self, uid: str, container: str, attempt: int) -> Path:
        return self._pods / uid / "containers" / container / str(attempt)

    def write_termination_message_file(self, uid: str, container: str, attempt: int) -> Path:
        """Empty, and writable by whatever user the container runs as."""
        path = self.termination_message_file(uid, container, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o666)
        return path

    def termination_message(self, uid: str, container: str, attempt: int) -> str:
        """The last 4096 bytes; what is not UTF-8 is replaced."""
        try:
            with self.termination_message_file(uid, container, attempt).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TERMINATION_MESSAGE_BYTES))
                return file.read(TERMINATION_MESSAGE_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def keep_termination_message(self, uid: str, container: str, attempt: int, message: bytes) -> str:
        """Written once in the container's place, so that the log is not read again; what was kept."""
        path = self.termination_message_file(uid, container, attempt)
        with suppress(OSError):
            path.write_bytes(message)
        return message.decode(errors="replace")

    def remove_termination_message(self, uid: str, container: str, attempt: int) -> None:
        path = self.termination_message_file(uid, container, attempt)
        path.unlink(missing_ok=True)
        self._remove_empty(path.parent)

    def _remove_empty(self, folder: Path) -> None:
        """Upwards, as long as nothing of others (volumes) is in it, and never the folder of all pods."""
        with suppress(OSError):
            while folder != self._pods:
                folder.rmdir()
                folder = folder.parent


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
