"""Who may import whom."""

import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = {"podling", "store", "apiserver", "scheduler", "controllers", "kubelet"}


def test_the_import_rules_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_that_we_install_is_ours_alone() -> None:
    """The folders stand at the top level: another distribution's package of the same name would be shadowed."""
    assert distribution("podling").metadata["Name"] == "podling"
    owners = packages_distributions()
    assert {name: owners[name] for name in OURS if name in owners and set(owners[name]) != {"podling"}} == {}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"} == OURS


def test_only_the_kubelet_knows_the_docker_sdk() -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if any(line.startswith(("import docker", "from docker")) for line in path.read_text().splitlines())
    }
    assert {path for path in users if not path.startswith("kubelet/docker")} == set()
