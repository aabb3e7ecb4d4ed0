"""Where an image comes from."""

import pytest

from podling.images.engine import Engine, EngineError
from podling.images.provide import ImageUnavailable, Source, provide, registry_of


class _Engine(Engine):
    """Has `has`, can pull `remote`; every other pull fails with `refusal`."""

    def __init__(self, has: set[str], remote: set[str], refusal: str = "manifest unknown") -> None:
        super().__init__("unix:///nowhere")
        self.has, self.remote, self.refusal = has, remote, refusal
        self.pulls: list[str] = []

    def has_image(self, name: str) -> bool:
        return name in self.has

    def pull(self, name: str, timeout_seconds: float) -> None:
        self.pulls.append(name)
        if name not in self.remote:
            raise EngineError(self.refusal)


def quiet(_: str) -> None:
    pass


def test_the_engine_comes_first_and_the_registry_second() -> None:
    engine = _Engine(has={"nginx"}, remote={"postgres:17"})
    assert provide(engine, "nginx", quiet) is Source.ENGINE
    assert provide(engine, "postgres:17", quiet) is Source.REGISTRY
    assert engine.pulls == ["postgres:17"]


def test_what_nobody_has_and_no_recipe_makes_is_unavailable_in_the_registrys_words() -> None:
    with pytest.raises(ImageUnavailable, match=r"postgres:17: the registry says: manifest unknown"):
        provide(_Engine(set(), set()), "postgres:17", quiet)


def test_a_name_that_no_image_can_have_is_unavailable_in_the_engines_words() -> None:
    class Strict(_Engine):
        def has_image(self, name: str) -> bool:
            raise EngineError("invalid reference format")

    with pytest.raises(ImageUnavailable, match=r"image A::B: the engine says: invalid reference format"):
        provide(Strict(set(), set()), "A::B", quiet)


def test_a_registry_out_of_reach_is_asked_once() -> None:
    engine, away = _Engine(set(), set(), "dial tcp: i/o timeout"), set[str]()
    for name in ("postgres:17", "redis:8", "quay.io/a/b:1"):
        with pytest.raises(ImageUnavailable):
            provide(engine, name, quiet, away)
    assert engine.pulls == ["postgres:17", "quay.io/a/b:1"]


def test_a_registry_that_lacks_one_image_is_asked_for_the_next() -> None:
    engine, away = _Engine(set(), set()), set[str]()
    for name in ("postgres:17", "redis:8"):
        with pytest.raises(ImageUnavailable):
            provide(engine, name, quiet, away)
    assert len(engine.pulls) == 2


def test_a_host_in_front_is_the_registry() -> None:
    assert [registry_of(name) for name in ("nginx", "a/b:1", "localhost/a", "quay.io/a/b", "host:5000/a")] == [
        "docker.io", "docker.io", "localhost", "quay.io", "host:5000",
    ]  # fmt: skip
