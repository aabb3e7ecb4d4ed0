"""The store under Debian's own `etcdctl`."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from podling.storage import Put
from store.engine import DATABASE
from store.local import LocalStorage

pytestmark = pytest.mark.skipif(not shutil.which("etcdctl"), reason="no etcdctl on PATH (Debian: etcd-client)")

Etcdctl = Callable[..., str]


@pytest.fixture
def etcdctl(store_address: str) -> Etcdctl:
    """Run it; its standard output. Each test has its keys to itself."""

    def run(*arguments: str, said: str = "", fails: bool = False) -> str:
        done = subprocess.run(
            ["etcdctl", "--endpoints", store_address, *arguments],
            check=False, input=said, text=True, capture_output=True, timeout=20, env={**os.environ, "ETCDCTL_API": "3"},
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    run("del", "", "--from-key")
    return run


def revision(etcdctl: Etcdctl) -> int:
    fields = dict(line.split(" : ") for line in etcdctl("get", "x", "-w", "fields").splitlines() if " : " in line)
    return int(fields['"Revision"'])


def test_put_get_and_del(etcdctl: Etcdctl) -> None:
    assert etcdctl("put", "/registry/pods/default/a", '{"kind":"Pod"}') == "OK\n"
    etcdctl("put", "/registry/pods/default/b", "2")
    assert etcdctl("get", "--prefix", "/registry/pods/") == (
        '/registry/pods/default/a\n{"kind":"Pod"}\n/registry/pods/default/b\n2\n'
    )
    assert etcdctl("get", "--prefix", "--keys-only", "--order=DESCEND", "/registry/") == (
        "/registry/pods/default/b\n\n/registry/pods/default/a\n\n"
    )
    assert etcdctl("del", "--prev-kv", "/registry/pods/default/b") == "1\n/registry/pods/default/b\n2\n"
    assert etcdctl("del", "/registry/pods/default/b") == "0\n"


def test_an_old_revision_is_read_until_it_is_compacted(etcdctl: Etcdctl) -> None:
    etcdctl("put", "k", "old")
    old = revision(etcdctl)
    etcdctl("put", "k", "new")
    assert etcdctl("get", "k", f"--rev={old}") == "k\nold\n"
    assert etcdctl("compact", str(old + 1)) == f"compacted revision {old + 1}\n"
    assert "required revision has been compacted" in etcdctl("get", "k", f"--rev={old}", fails=True)
    assert "required revision is a future revision" in etcdctl("get", "k", f"--rev={old + 100}", fails=True)


def test_a_transaction_runs_one_of_its_branches(etcdctl: Etcdctl) -> None:
    etcdctl("put", "k", "1")
    script = 'value("k") = "1"\n\nput k 2\nget k\n\nput k 3\n\n'
    assert etcdctl("txn", said=script) == "SUCCESS\n\nOK\n\nk\n2\n"
    assert etcdctl("txn", said=script) == "FAILURE\n\nOK\n"


def test_a_watch_replays_and_is_told_of_a_compaction(etcdctl: Etcdctl, store_address: str) -> None:
    etcdctl("put", "k", "1")
    start = revision(etcdctl)
    etcdctl("put", "k", "2")
    etcdctl("del", "k")
    watching = subprocess.Popen(
        ["etcdctl", "--endpoints", store_address, "watch", "--prev-kv", f"--rev={start}", "k"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "ETCDCTL_API": "3"},
    )  # fmt: skip
    assert watching.stdout is not None
    wanted = ["PUT", "k", "1", "PUT", "k", "1", "k", "2", "DELETE", "k", "2", "k", ""]
    assert [watching.stdout.readline().rstrip("\n") for _ in wanted] == wanted
    watching.kill()
    watching.communicate()
    etcdctl("compact", str(start + 2))
    assert "required revision has been compacted" in etcdctl("watch", f"--rev={start}", "k", fails=True)


def test_a_lease_is_granted_kept_alive_asked_for_and_revoked(etcdctl: Etcdctl) -> None:
    lease = etcdctl("lease", "grant", "300").split()[1]
    etcdctl("put", f"--lease={lease}", "k", "1")
    assert "keepalived with TTL(300)" in etcdctl("lease", "keep-alive", "--once", lease)
    said = etcdctl("lease", "timetolive", "--keys", lease)
    assert "granted with TTL(300s)" in said and "attached keys([k])" in said
    assert lease in etcdctl("lease", "list")
    assert etcdctl("lease", "revoke", lease) == f"lease {lease} revoked\n"
    assert etcdctl("get", "k") == ""
    assert "already expired" in etcdctl("lease", "timetolive", lease)
    assert "requested lease not found" in etcdctl("lease", "revoke", lease, fails=True)


def test_the_store_says_how_it_is(etcdctl: Etcdctl, store_address: str) -> None:
    etcdctl("endpoint", "health")
    assert store_address in etcdctl("endpoint", "status")
    assert "started, podling" in etcdctl("member", "list")
    assert store_address in etcdctl("endpoint", "hashkv")
    assert etcdctl("alarm", "list") == ""
    assert "Finished defragmenting" in etcdctl("defrag")


async def test_a_saved_snapshot_is_a_store_again(etcdctl: Etcdctl, tmp_path: Path) -> None:
    etcdctl("put", "k", "kept")
    at = revision(etcdctl)
    etcdctl("snapshot", "save", str(tmp_path / "saved"))
    saved = (tmp_path / "saved").read_bytes()
    assert hashlib.sha256(saved[:-32]).digest() == saved[-32:]
    (tmp_path / DATABASE).write_bytes(saved)
    storage = await LocalStorage.open(tmp_path)
    assert [kv.value for kv in (await storage.get(b"k")).kvs] == [b"kept"]
    assert await storage.revision() == at
    assert (await storage.write(None, Put(b"k", b"again"))).revision == at + 1
    await storage.close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
