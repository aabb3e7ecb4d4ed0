"""The kubelets' configuration: taken at `podling up`, kept, read by each kubelet."""

from pathlib import Path

import pytest

from podling.cli.kubelet_config import keep, read
from podling.cli.refusal import Refusal
from podling.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State("c1", tmp_path / "state")


def test_without_one_each_node_has_a_folder_of_its_own_for_manifests(state: State) -> None:
    keep(state, None, None)
    assert not state.kubelet_config.exists()
    assert read(state, "n1").static_pod_path == str(state.manifests("n1")) and state.manifests("n1").is_dir()


def test_what_was_given_once_is_kept_until_something_else_is_given(state: State, tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    (tmp_path / "kubelet.yaml").write_text("maxPods: 7\nstaticPodPath: pods\n")
    keep(state, str(tmp_path / "kubelet.yaml"), None)
    keep(state, None, None)
    found = read(state, "n1")
    assert (found.max_pods, found.static_pod_path) == (7, str(tmp_path / "pods"))
    (tmp_path / "others").mkdir()
    keep(state, None, str(tmp_path / "others"))
    found = read(state, "n2")
    assert (found.max_pods, found.static_pod_path) == (7, str(tmp_path / "others"))
    keep(state, "", None)
    assert read(state, "n1").max_pods == 110


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cpuManagerPolicy: static", 'podling does not honour the field "cpuManagerPolicy"'),
        ("a: [", "cannot be read"),
        ("- a", "holds no KubeletConfiguration"),
        ("evictionHard: {memory.available: lots}", "memory.available"),
    ],
)
def test_a_bad_one_is_refused_in_words_and_the_old_one_stays(
    state: State, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "kubelet.yaml"
    file.write_text("maxPods: 7")
    keep(state, str(file), None)
    file.write_text(text)
    with pytest.raises(Refusal) as refused:
        keep(state, str(file), None)
    assert words in str(refused.value)
    assert read(state, "n1").max_pods == 7


def test_files_and_folders_that_are_not_there_are_refused(state: State, tmp_path: Path) -> None:
    for given in ((str(tmp_path / "none"), None), (None, str(tmp_path / "none"))):
        with pytest.raises(Refusal):
            keep(state, *given)
