"""What the API server is told at its start is checked, kept, and read again."""

from pathlib import Path

import pytest

from podling.cli.apiserver_config import fields, keep
from podling.cli.refusal import Refusal
from podling.state import State

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
SECRETS = (
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n"
    "resources: [{resources: [secrets], providers: [{identity: {}}]}]\n"
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State("c1", tmp_path / "state")


def file(folder: Path, text: str) -> str:
    (folder / "given.yaml").write_text(text)
    return str(folder / "given.yaml")


def test_without_any_nothing_is_set_and_nothing_is_made(state: State) -> None:
    keep(state, None, None, None)
    assert fields(state) == {}
    assert not state.folder.exists()


def test_what_was_given_once_is_kept_until_it_is_taken_back(state: State, tmp_path: Path) -> None:
    keep(state, file(tmp_path, POLICY), None, None)
    keep(state, None, None, file(tmp_path, SECRETS))
    keep(state, None, None, None)
    assert fields(state) == {
        "audit_policy_file": state.audit_policy,
        "audit_log_path": str(state.log("audit")),
        "encryption_provider_config": state.encryption,
    }
    assert state.encryption.stat().st_mode & 0o777 == 0o600
    keep(state, None, "-", "")
    assert fields(state) == {"audit_policy_file": state.audit_policy, "audit_log_path": "-"}
    keep(state, "", "", None)
    assert fields(state) == {}


def test_a_running_server_takes_another_encryption_configuration_and_nothing_else(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(State, "is_running", True)
    with pytest.raises(Refusal, match="runs already"):
        keep(state, None, None, file(tmp_path, SECRETS))
    monkeypatch.setattr(State, "is_running", False)
    keep(state, None, None, file(tmp_path, SECRETS))
    monkeypatch.setattr(State, "is_running", True)
    keep(state, None, None, file(tmp_path, SECRETS.replace("secrets", "configmaps")))
    assert "configmaps" in state.encryption.read_text()
    for options in ((None, None, ""), (file(tmp_path, POLICY), None, None)):
        with pytest.raises(Refusal, match="runs already"):
            keep(state, *options)


@pytest.mark.parametrize(
    ("policy", "encryption", "words"),
    [
        ("rules: []", None, "--audit-policy-file .*: an audit policy is of kind Policy"),
        (None, "kind: Secret", "--encryption-provider-config .*: it is to be of kind EncryptionConfiguration"),
        ("a: [", None, "--audit-policy-file"),
    ],
)
def test_a_bad_one_is_refused_and_the_old_one_stays(
    state: State, tmp_path: Path, policy: str | None, encryption: str | None, words: str
) -> None:
    keep(state, file(tmp_path, POLICY), None, None)
    given = {text: file(tmp_path, text) for text in (policy, encryption) if text}
    with pytest.raises(Refusal, match=words):
        keep(state, given.get(policy), None, given.get(encryption))
    assert state.audit_policy.read_text() == POLICY
