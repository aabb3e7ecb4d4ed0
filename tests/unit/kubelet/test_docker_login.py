"""The machine's own logins, from files and from credential helpers."""

import json
from pathlib import Path
from typing import Any

import pytest

from kubelet.docker.login import config_files, own_login

HELPER = """#!/bin/sh
read registry
case $registry in
quay.io) echo '{"Username":"helped","Secret":"p"}';;
ghcr.io) echo '{"Username":"<token>","Secret":"long-lived"}';;
broken.example) echo 'the keyring is locked' >&2; exit 1;;
*) echo 'credentials not found in native keychain'; exit 1;;
esac
"""


def configured(folder: Path, config: Any) -> dict[str, str]:
    """The environment of somebody with this configuration."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return {"DOCKER_CONFIG": str(folder)}


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "docker-credential-podlingtest"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return "podlingtest"


def test_a_login_of_the_file_fits_its_registry(tmp_path: Path) -> None:
    environment = configured(tmp_path / "c", {"auths": {"quay.io": {"auth": "bWU6cA=="}}})
    found = own_login("quay.io/team/app:1", environment)
    assert found is not None and (found.username, found.password, found.secret) == ("me", "p", None)
    assert own_login("ghcr.io/app", environment) is None


@pytest.mark.parametrize("image", ["nginx", "me/app:2", "docker.io/library/nginx"])
def test_docker_hub_is_meant_where_no_registry_is_named(tmp_path: Path, image: str) -> None:
    environment = configured(tmp_path / "c", {"auths": {"https://index.docker.io/v1/": {"auth": "bWU6cA=="}}})
    found = own_login(image, environment)
    assert found is not None and found.username == "me"


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_credential_helper_is_asked(tmp_path: Path, helper: str, key: str) -> None:
    asked = helper if key == "credsStore" else dict.fromkeys(("quay.io", "ghcr.io", "broken.example"), helper)
    environment = configured(tmp_path / "c", {key: asked})
    found = own_login("quay.io/app", environment)
    assert found is not None and (found.username, found.password) == ("helped", "p")
    token = own_login("ghcr.io/app", environment)
    assert token is not None and (token.identity_token, token.username) == ("long-lived", "")
    assert own_login("other.example/app", environment) is None
    assert own_login("broken.example/app", environment) is None, "a helper that fails is as good as none"


@pytest.mark.filterwarnings("ignore:docker-credential-podling-no-such-helper")
@pytest.mark.parametrize("config", ["", "{", "[]", {"credsStore": "podling-no-such-helper"}])
def test_a_configuration_that_cannot_be_read_is_none(tmp_path: Path, config: Any) -> None:
    assert own_login("quay.io/app", configured(tmp_path / "c", config)) is None


def test_under_sudo_the_users_file_is_asked_after_roots(tmp_path: Path) -> None:
    configured(tmp_path / ".docker", {})
    assert list(config_files({"HOME": str(tmp_path), "SUDO_USER": "no-such-user"})) == [
        tmp_path / ".docker" / "config.json"
    ]
    assert list(config_files({})) == []
