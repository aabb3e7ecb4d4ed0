"""The host's resolv.conf, for pods that use the host's name servers."""

from pathlib import Path

from kubelet.dns import Dns

HOST = Path("/etc/resolv.conf")
BEHIND_STUB = Path("/run/systemd/resolve/resolv.conf")


def parse(text: str) -> Dns:
    """Without name servers on the loopback, which a pod's own network cannot reach."""
    nameservers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        if words[0] == "nameserver" and len(words) > 1 and not words[1].startswith("127.") and words[1] != "::1":
            nameservers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = [word for word in words[1:] if word != "."]
        elif words[0] == "options":
            options += words[1:]
    return Dns(nameservers, searches, options)


def host_dns() -> Dns:
    """Where the host asks a resolver of its own, what stands behind that one."""
    found = Dns()
    for path in (HOST, BEHIND_STUB):
        try:
            found = parse(path.read_text(encoding="utf-8"))
        except OSError:
            continue
        if found.nameservers:
            return found
    return found
