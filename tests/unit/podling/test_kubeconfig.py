"""Our entry in the user's kubeconfig."""

import base64
import os
import stat
from pathlib import Path

import pytest
import yaml

from podling import kubeconfig

THEIRS = """\
apiVersion: v1
kind: Config
clusters:
- name: work
  cluster: {server: "https://work:6443", insecure-skip-tls-verify: true}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: yes}
current-context: work
users:
- name: me
  user:
    token: 0123
    auth-provider:
      config:
        expiry: 2026-01-02 03:04:05
"""


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    folder = tmp_path / "pki"
    folder.mkdir()
    for name in ("ca.crt", "admin.crt", "admin.key"):
        (folder / name).write_text(name)
    return folder


def test_a_first_entry_makes_the_file_for_its_owner_alone(tmp_path: Path, pki: Path) -> None:
    path = tmp_path / "kube" / "config"
    kubeconfig.merge(path, "c1", "https://127.0.0.1:6443", pki)
    written = yaml.safe_load(path.read_text())
    assert written["kind"] == "Config"
    assert written["current-context"] == "podling-c1"
    assert written["contexts"] == [{"name": "podling-c1", "context": {"cluster": "podling-c1", "user": "podling-c1"}}]
    [cluster] = written["clusters"]
    assert cluster["cluster"]["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"ca.crt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_entries_keep_their_letters(tmp_path: Path, pki: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.merge(path, "c1", "https://127.0.0.1:6443", pki)
    text = path.read_text()
    assert "token: 0123\n" in text
    assert "expiry: 2026-01-02 03:04:05" in text
    assert "namespace: yes" in text
    assert [row["name"] for row in yaml.safe_load(text)["users"]] == ["me", "podling-c1"]
    kubeconfig.remove(path, "c1")
    left = yaml.safe_load(path.read_text())
    assert left == {**yaml.safe_load(THEIRS), "current-context": ""}


def test_merging_twice_replaces_and_leaves_an_unchanged_file_alone(tmp_path: Path, pki: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.merge(path, "c1", "https://127.0.0.1:1", pki)
    kubeconfig.merge(path, "c1", "https://127.0.0.1:2", pki)
    written = yaml.safe_load(path.read_text())
    assert [row["cluster"]["server"] for row in written["clusters"]] == ["https://work:6443", "https://127.0.0.1:2"]
    before = path.stat().st_ino
    kubeconfig.merge(path, "c1", "https://127.0.0.1:2", pki)
    assert path.stat().st_ino == before


def test_removing_what_is_not_there_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS + "# a comment\n")
    kubeconfig.remove(path, "c1")
    assert path.read_text() == THEIRS + "# a comment\n"
    kubeconfig.remove(tmp_path / "absent", "c1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a: [", "not valid YAML"), ("- a\n", "top is not a mapping"), ("clusters: work\n", '"clusters" is not a list')],
)
def test_a_malformed_file_is_reported_and_left_alone(tmp_path: Path, pki: Path, text: str, reason: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(kubeconfig.KubeconfigError, match=reason):
        kubeconfig.merge(path, "c1", "https://127.0.0.1:1", pki)
    assert path.read_text() == text
    assert not Path(f"{path}.lock").exists()


def test_empty_and_null_sections_are_filled(tmp_path: Path, pki: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters: null\nusers: []\ncontexts:\n")
    kubeconfig.merge(path, "c1", "https://127.0.0.1:1", pki)
    assert len(yaml.safe_load(path.read_text())["clusters"]) == 1


def test_a_symbolic_link_stays_one(tmp_path: Path, pki: Path) -> None:
    target, link = tmp_path / "real", tmp_path / "config"
    target.write_text(THEIRS)
    os.symlink(target, link)
    kubeconfig.merge(link, "c1", "https://127.0.0.1:1", pki)
    assert link.is_symlink()
    assert "podling-c1" in target.read_text()


def test_a_file_that_kubectl_has_locked_is_left_alone(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubeconfig, "LOCK_SECONDS", 0.0)
    path = tmp_path / "config"
    Path(f"{path}.lock").touch()
    with pytest.raises(kubeconfig.KubeconfigError, match="locked by another program"):
        kubeconfig.merge(path, "c1", "https://127.0.0.1:1", pki)
    assert not path.exists()


def test_of_several_files_the_one_with_the_entry_is_chosen(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent, theirs, ours = tmp_path / "absent", tmp_path / "theirs", tmp_path / "ours"
    theirs.write_text(THEIRS)
    monkeypatch.setenv("KUBECONFIG", f"{absent}:{theirs}:{ours}")
    assert kubeconfig.default_path("podling-c1") == theirs
    kubeconfig.merge(ours, "c1", "https://127.0.0.1:1", pki)
    assert kubeconfig.default_path("podling-c1") == ours
    monkeypatch.delenv("KUBECONFIG")
    assert kubeconfig.default_path() == Path.home() / ".kube/config"
