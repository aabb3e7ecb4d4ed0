"""Small decisions of the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubelet.volumes import mounts
from podling.cli.down import remove_volumes
from podling.cli.kubectl import split
from podling.cli.logs import last_lines
from podling.cli.options import addresses
from podling.cli.probe import is_ready
from podling.cli.refusal import Refusal
from podling.cli.services import services
from podling.cli.status import age, memory_bytes
from podling.state import State, prepare

PODLING = Path(sys.executable).with_name("podling")


def podling(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PODLING, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_kubectl_gets_everything_but_a_leading_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PODLING_NAME", raising=False)
    assert split(["get", "pods", "--name", "x"]) == ("c1", ["get", "pods", "--name", "x"])
    assert split(["--name", "c2", "get", "pods"]) == ("c2", ["get", "pods"])
    assert split(["--name=c2", "--help"]) == ("c2", ["--help"])
    assert split([]) == ("c1", [])
    monkeypatch.setenv("PODLING_NAME", "c3")
    assert split(["version"]) == ("c3", ["version"])
    with pytest.raises(Refusal):
        split(["--name"])


def test_an_empty_list_of_etcd_servers_goes_back_to_our_own_store() -> None:
    assert addresses(None) is None
    assert addresses("") == ()
    assert addresses("http://a:2379, http://b:2379,") == ("http://a:2379", "http://b:2379")


def test_where_no_store_can_be_is_refused_and_says_how_an_address_looks() -> None:
    for right in ("127.0.0.1:2379", "https://etcd.example.com:2379", "http://[::1]:2379", "unix:/run/etcd.sock"):
        assert addresses(right) == (right,)
    for wrong in ("nonsense", "http://a", "ftp://a:1", "http://a:2379/v3", "a:port"):
        with pytest.raises(Refusal, match=r"--etcd-servers .*: an address looks like http://127.0.0.1:2379"):
            addresses(f"http://a:2379,{wrong}")


def test_ages_are_short() -> None:
    assert [age(seconds) for seconds in (-1, 0, 59.9, 60, 7199, 86400 * 3)] == ["0s", "0s", "59s", "1m", "1h", "3d"]


def test_a_node_is_ready_when_its_condition_says_so() -> None:
    assert is_ready({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    assert not is_ready({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    assert not is_ready({"status": {}})
    assert not is_ready({})


def test_the_end_of_a_log_is_read_without_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(100_000)))
    assert last_lines(log, 2) == ["line 99998", "line 99999"]
    assert last_lines(tmp_path / "absent", 2) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_a_pod_had_mounted_of_the_host_stays(tmp_path: Path) -> None:
    host, state = tmp_path / "host", State("c1", tmp_path / "state")
    place = state.folder / "kubelet" / "n1" / "pods" / "uid" / "subpaths" / "app" / "0"
    host.mkdir()
    place.mkdir(parents=True)
    (host / "kept").write_text("x")
    mounts.bind(str(host), place)
    busy = os.open(place / "kept", os.O_RDONLY)
    remove_volumes(state)
    os.close(busy)
    assert (host / "kept").read_text() == "x" and not (state.folder / "kubelet").exists()


def test_a_process_has_memory_and_a_gone_one_has_none() -> None:
    assert memory_bytes(os.getpid()) > 1 << 20
    assert memory_bytes(1 << 22) == 0


def test_the_api_server_stops_last(tmp_path: Path) -> None:
    state = State("c1", tmp_path)
    found = services(prepare(state, "10.244.0.0/16", nodes=2))
    assert [service.name for service in found] == ["apiserver", "controllers", "scheduler", "kubelet-n1", "kubelet-n2"]
    assert min(found, key=lambda service: service.stage).name == "apiserver"


def test_what_is_loaded_before_forking_starts_no_thread() -> None:
    program = "import os\nfrom podling.cli.services import API_SERVER, ITS_CLIENTS, load\n"
    program += "load(API_SERVER)\nload(ITS_CLIENTS)\nprint(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_refusal_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    for command in (["up", "--name", "No"], ["down"], ["status", "--name", "c9"], ["logs"], ["kubectl", "get", "pods"]):
        done = podling(*command, XDG_STATE_HOME=str(tmp_path), HOME=str(tmp_path), PATH="")
        assert done.returncode == 1, command
        assert done.stderr.startswith("podling: "), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_start_that_was_refused_leaves_nothing_in_the_way_of_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        done = podling("up", XDG_STATE_HOME=str(tmp_path), HOME=str(tmp_path), DOCKER_HOST="unix:///nowhere.sock")
        assert done.returncode == 1
        assert done.stderr.startswith("podling: the Docker engine at DOCKER_HOST does not answer"), done.stderr
        assert not State("c1", tmp_path / "podling").is_running


def test_without_a_cluster_status_says_how_to_make_one(tmp_path: Path) -> None:
    done = podling("status", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 0
    assert "podling up" in done.stdout


def test_the_command_imports_little_to_show_its_help() -> None:
    program = "import sys\nimport podling.cli.main\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (
        set(done.stdout.split()) & {"grpc", "aiohttp", "docker", "cryptography", "lightkube", "yaml", "asyncio"}
        == set()
    )
