from pathlib import Path

import pytest

from kubelet.images.logins import Login, Secret
from kubelet.images.pulled import FILE, Access, PulledImages, granted, may_use

MINE = Login("me", "p", "quay.io", secret=Secret("default", "mine", "1"))
SAME_ELSEWHERE = MINE._replace(secret=Secret("other", "copy", "2"))
ROTATED = MINE._replace(password="q")
OTHERS = Login("you", "x", "quay.io", secret=Secret("other", "yours", "3"))
MACHINES = Login("machine", "p", "quay.io")


@pytest.mark.parametrize(
    ("pulled_with", "asks_with", "may"),
    [
        (None, [], True),
        (MACHINES, [], True),
        (MINE, [], False),
        (MINE, [MINE], True),
        (MINE, [OTHERS, SAME_ELSEWHERE], True),
        (MINE, [ROTATED], True),
        (MINE, [OTHERS], False),
        (MINE, [MACHINES], False),
    ],
)
def test_who_may_use_an_image_that_this_kubelet_pulled(
    pulled_with: Login | None, asks_with: list[Login], may: bool
) -> None:
    accesses = {"quay.io/a/b": granted(Access(), "quay.io/a/b:1", pulled_with)}
    assert may_use(accesses, "quay.io/a/b:1", asks_with) is may
    assert may_use(accesses, "quay.io/a/b:2", asks_with) is may, "a tag is no boundary"
    assert not may_use(accesses, "quay.io/other:1", asks_with), "the same image under another name is asked for again"


def test_an_image_that_was_there_before_is_everybodys() -> None:
    assert may_use(None, "nginx", [])


def test_a_second_pull_adds_to_the_first() -> None:
    access = granted(granted(granted(Access(), "a:1", MINE), "a:2", OTHERS), "a:1", ROTATED)
    assert list(access.names) == ["a:1", "a:2"] and not access.everybody
    assert [grant.secret.name for grant in access.grants] == ["yours", "mine"]
    assert granted(access, "a:1", None).everybody


def test_the_record_outlives_the_kubelet(tmp_path: Path) -> None:
    pulled = PulledImages(tmp_path / "state")
    pulled.note("sha256:1", "quay.io/a:1", "quay.io/a:1", MINE)
    pulled.note("sha256:2", "nginx", "nginx:latest", None)
    again = PulledImages(tmp_path / "state")
    assert list(again.names("sha256:1")) == ["quay.io/a:1"] and list(again.names("sha256:2")) == ["nginx:latest"]
    assert again.may_use("sha256:1", "quay.io/a", [MINE]) and not again.may_use("sha256:1", "quay.io/a", [OTHERS])
    assert again.may_use("sha256:2", "nginx:latest", ())
    text = (tmp_path / "state" / FILE).read_text()
    assert MINE.password not in text.replace("pulled", "").split('"')
    again.forget(again.ids() - {"sha256:2"})
    assert not PulledImages(tmp_path / "state").names("sha256:1")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"b": []}}'])
def test_a_broken_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert PulledImages(tmp_path).may_use("a", "b", ())
