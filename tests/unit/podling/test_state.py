"""A cluster's state directory."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from podling.files import lock, write_atomically
from podling.podrange import claim
from podling.state import Cluster, Node, State, StateError, clusters, resize, take_range
from podling.state import prepare as prepare_with


def state(tmp_path: Path, name: str = "c1") -> State:
    return State(name, tmp_path / "podling")


def prepare(state: State, nodes: int | None = None) -> Cluster:
    held = take_range(state)
    with held.socket:
        return prepare_with(state, held.pod_cidr, nodes)


@pytest.mark.parametrize("name", ["", "C1", "a/b", "..", "-a", "a-", "a" * 41, "a b", "a\n"])
def test_a_name_that_could_not_be_a_folder_and_a_label_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StateError, match="cannot be a cluster's name"):
        state(tmp_path, name)


def test_ports_and_range_are_kept_for_later_starts(tmp_path: Path) -> None:
    first = prepare(state(tmp_path), nodes=2)
    assert prepare(state(tmp_path)) == first
    assert state(tmp_path).load() == first
    assert [node.name for node in first.nodes] == ["n1", "n2"]


def test_a_kept_port_that_somebody_took_is_chosen_anew(tmp_path: Path) -> None:
    first = prepare(state(tmp_path))
    with socket.socket() as squatter:
        with contextlib.suppress(OSError):  # else somebody took it already, beside this test
            squatter.bind(("127.0.0.1", first.ports["apiserver"]))
            squatter.listen()
        second = prepare(state(tmp_path))
    assert second.ports["apiserver"] != first.ports["apiserver"]
    assert second.ports["etcd"] == first.ports["etcd"]


def test_clusters_beside_each_other_share_no_port_and_no_range(tmp_path: Path) -> None:
    made = [prepare(state(tmp_path, name), nodes=3) for name in ("a", "b", "c")]
    ports = [port for one in made for port in one.ports.values()]
    ports += [port for one in made for node in one.nodes for port in (node.grpc_port, node.http_port)]
    assert len(set(ports)) == len(ports) == 3 * (8 + 2 * 3)
    assert len({one.pod_cidr for one in made}) == 3
    assert [found.name for found in clusters(tmp_path / "podling")] == ["a", "b", "c"]


def test_a_kept_range_that_another_cluster_has_now_is_chosen_anew(tmp_path: Path) -> None:
    kept = prepare(state(tmp_path))
    with claim(kept.pod_cidr).socket:
        moved = prepare(state(tmp_path))
    assert moved.pod_cidr != kept.pod_cidr
    assert moved.nodes[0].pod_cidr.removesuffix("/24") == moved.pod_cidr.removesuffix("/16")
    assert set(moved.ports.values()) & set(kept.ports.values()) == set()


def test_resizing_keeps_the_nodes_there_are(tmp_path: Path) -> None:
    before = prepare(state(tmp_path))
    after = resize(state(tmp_path), 3)
    assert after.nodes[0] == before.nodes[0]
    assert [node.name for node in after.nodes] == ["n1", "n2", "n3"]
    assert isinstance(after.nodes[2], Node)
    assert resize(state(tmp_path), 1).nodes == before.nodes


def test_a_damaged_file_is_reported_and_kept(tmp_path: Path) -> None:
    broken = state(tmp_path)
    broken.folder.mkdir(parents=True)
    broken.cluster_file.write_text('{"name": "c1", "ports"')
    with pytest.raises(StateError, match="is damaged"):
        prepare(broken)
    assert broken.cluster_file.read_text() == '{"name": "c1", "ports"'


def test_a_cluster_that_never_was_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="podling up --name c9"):
        state(tmp_path, "c9").load()


def test_two_commands_on_one_cluster_wait_for_each_other(tmp_path: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def first() -> None:
        with state(tmp_path).locked():
            held.set()
            done.wait(60)

    other = threading.Thread(target=first)
    other.start()
    assert held.wait(60)
    with pytest.raises(StateError, match="another podling command"), state(tmp_path).locked(timeout_seconds=0.05):
        pass
    done.set()
    with state(tmp_path).locked(timeout_seconds=60):
        pass
    other.join()


def test_a_living_supervisor_is_seen_by_its_lock(tmp_path: Path) -> None:
    assert not state(tmp_path).is_running
    with lock(state(tmp_path).supervisor_lock, 1):
        assert state(tmp_path).is_running
    assert not state(tmp_path).is_running


def test_a_failed_write_leaves_the_old_bytes_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
