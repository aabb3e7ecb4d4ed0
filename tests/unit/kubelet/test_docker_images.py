import pytest

from kubelet.docker_images import checked_name, name_and_tag
from kubelet.runtime import ImageError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("nginx", ("nginx", "latest")),
        ("nigelpoulton/k8sbook:1.0", ("nigelpoulton/k8sbook", "1.0")),
        ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
        ("localhost:5000/a/b:2", ("localhost:5000/a/b", "2")),
        ("registry.k8s.io/git-sync/git-sync:v4.4.0", ("registry.k8s.io/git-sync/git-sync", "v4.4.0")),
        (f"quay.io/a/b@{DIGEST}", ("quay.io/a/b", DIGEST)),
        (f"quay.io/a/b:1@{DIGEST}", ("quay.io/a/b:1", DIGEST)),
    ],
)
def test_a_name_is_taken_apart_as_the_engine_pulls_it(name: str, parts: tuple[str, str]) -> None:
    assert checked_name(name) == name
    assert name_and_tag(name) == parts


@pytest.mark.parametrize("name", ["", "a b", "nginx:", "a/b:c:d", "-nginx", "nginx@sha256:1", "a//b", "http://x/y"])
def test_what_is_no_name_is_refused_in_kubernetes_words(name: str) -> None:
    with pytest.raises(ImageError, match=r"couldn't parse image name .*: invalid reference format") as caught:
        checked_name(name)
    assert caught.value.reason == "InvalidImageName"


@pytest.mark.parametrize("name", ["Nginx", "UPPER/x", "quay.io/A/b"])
def test_capitals_are_named_as_the_fault(name: str) -> None:
    with pytest.raises(ImageError, match="repository name must be lowercase"):
        checked_name(name)
