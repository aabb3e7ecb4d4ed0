import pytest

from kubelet.images.names import checked_name, in_full, name_and_tag, repository, tagged
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


@pytest.mark.parametrize(
    "name", ["", "a b", "nginx:", "a/b:c:d", "-nginx", "nginx@sha256:1", "a//b", "http://x/y", " nginx"]
)
def test_what_is_no_name_is_refused_in_kubernetes_words(name: str) -> None:
    with pytest.raises(ImageError, match=r"couldn't parse image name .*: invalid reference format") as caught:
        checked_name(name)
    assert caught.value.reason == "InvalidImageName"


@pytest.mark.parametrize("name", ["Nginx", "UPPER/x", "quay.io/A/b"])
def test_capitals_are_named_as_the_fault(name: str) -> None:
    with pytest.raises(ImageError, match="repository name must be lowercase"):
        checked_name(name)


def test_an_id_alone_is_no_name_but_one_with_its_algorithm_is() -> None:
    with pytest.raises(ImageError, match="cannot specify 64-byte hexadecimal strings"):
        checked_name("a" * 64)
    assert checked_name(DIGEST) == DIGEST


def test_a_repository_has_an_end() -> None:
    checked_name(f"a.b/{'x' * 251}")
    with pytest.raises(ImageError, match="must not be more than 255 characters"):
        checked_name(f"a.b/{'x' * 252}")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.2", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("index.docker.io/me/app:2", "docker.io/me/app"),
        ("me/app", "docker.io/me/app"),
        ("localhost:5000/a/b:2", "localhost:5000/a/b"),
        ("localhost/a", "localhost/a"),
        (f"quay.io/a/b:1@{DIGEST}", "quay.io/a/b"),
    ],
)
def test_a_repository_is_told_in_full(name: str, whole: str) -> None:
    assert repository(name) == whole


@pytest.mark.parametrize(
    ("name", "with_tag"), [("nginx", "nginx:latest"), ("nginx:1", "nginx:1"), ("a:5/b", "a:5/b:latest")]
)
def test_no_tag_means_latest(name: str, with_tag: str) -> None:
    assert tagged(name) == with_tag
    assert tagged(f"nginx@{DIGEST}") == f"nginx@{DIGEST}"


def test_names_of_one_image_are_the_same_in_full() -> None:
    assert in_full("nginx") == in_full("docker.io/library/nginx:latest") == "docker.io/library/nginx:latest"
    assert in_full(f"quay.io/a:1@{DIGEST}") == in_full(f"quay.io/a@{DIGEST}") == f"quay.io/a@{DIGEST}"
