"""The packet filter around pods: they may be forwarded, and what leaves their range goes out under the host's address.

With iptables, since the engine brings it: Docker's FORWARD chain drops what it does not know, an accept in a table of
our own cannot overrule that, and DOCKER-USER is the place that Docker leaves to others and keeps over its restarts.
Where the engine keeps no such chain, FORWARD itself. Every rule carries the cluster's name as its comment.
"""

import fcntl
import logging
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
LOCK = Path("/run/podling-firewall.lock")


class Rule(NamedTuple):
    table: str
    chain: str
    match: tuple[str, ...]


def rules(cluster: str, pod_range: str, forward_chain: str) -> Sequence[Rule]:
    """In the order in which they are put first into their chains."""
    comment = ("-m", "comment", "--comment", f"podling:{cluster}")
    return [
        Rule("filter", forward_chain, ("-s", pod_range, *comment, "-j", "ACCEPT")),
        Rule("filter", forward_chain, ("-d", pod_range, *comment, "-j", "ACCEPT")),
        Rule("nat", "POSTROUTING", ("-s", pod_range, "!", "-d", pod_range, *comment, "-j", "MASQUERADE")),
    ]


def saved_rules(table: str, saved: str, cluster: str) -> Sequence[Rule]:
    """The cluster's rules in what `iptables -S` prints."""
    found = []
    for line in saved.splitlines():
        words = shlex.split(line)
        if len(words) > 2 and words[0] == "-A" and f"podling:{cluster}" in words:
            found.append(Rule(table, words[1], tuple(words[2:])))
    return found


def ensure(cluster: str, pod_range: str) -> None:
    """Forwarding on and the rules there, once each, though several kubelets begin at once."""
    if FORWARDING.read_text().strip() != "1":
        FORWARDING.write_text("1\n")
    if not shutil.which("iptables"):
        log.warning("iptables is missing, the engine's own rules decide what pods may reach cluster=%s", cluster)
        return
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chain = "DOCKER-USER" if _iptables("filter", "-S", "DOCKER-USER").returncode == 0 else "FORWARD"
        for rule in rules(cluster, pod_range, chain):
            if _iptables(rule.table, "-C", rule.chain, *rule.match).returncode != 0:
                done = _iptables(rule.table, "-I", rule.chain, *rule.match)
                if done.returncode != 0:
                    log.warning("iptables refuses rule=%s error=%s", " ".join(rule.match), done.stderr.strip())


def remove(cluster: str) -> None:
    if not shutil.which("iptables"):
        return
    for table in ("filter", "nat"):
        for rule in saved_rules(table, _iptables(table, "-S").stdout, cluster):
            _iptables(rule.table, "-D", rule.chain, *rule.match)


def _iptables(table: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["iptables", "-w", "-t", table, *arguments], capture_output=True, text=True, check=False)
