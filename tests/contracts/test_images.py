"""The contract of `kubelet.images.service.ImageService`: over the engine in memory, and over Docker with a registry."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from kubelet.docker.engine import DockerEngine
from kubelet.docker.images import Images
from kubelet.fake import FakeRuntime
from kubelet.images.collector import ImageCollector
from kubelet.images.gc import Policy
from kubelet.images.logins import Login
from kubelet.images.progress import PullProgress
from kubelet.images.pulled import PulledImages
from kubelet.images.service import Disk, ImageService
from kubelet.runtime import ImageError, ImageSeen
from podling.loop.clock import RealClock
from tests.contracts.runtimes import busybox_tar, until, why_no_docker
from tests.registry import Registry

LOGIN = Login("me", "secret", "")
WRONG = Login("me", "wrong", "")


class Engine:
    """`push(tag)` puts an image into the registry; the name to pull it by. `forget` takes it from the engine."""

    images: ImageService
    registry: Registry | None = None

    def push(self, tag: str = "1", filler_bytes: int = 0) -> str:
        raise AssertionError

    def lock(self) -> None:
        """From now on the registry wants a login."""

    async def close(self) -> None: ...


class InMemory(Engine):
    def __init__(self) -> None:
        self.memory = self.images = FakeRuntime(RealClock())
        self.memory.disk = Disk(1000, 500)

    def push(self, tag: str = "1", filler_bytes: int = 0) -> str:
        name = f"registry.example/app:{tag}"
        self.memory.registry[name] = ImageSeen(f"sha256:{tag}", "", 100)
        return name

    def lock(self) -> None:
        self.memory.passwords = {LOGIN.password}


class OnDocker(Engine):
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.connection = DockerEngine()
        self.images = Images(self.connection)
        self.names: set[str] = set()

    def push(self, tag: str = "1", filler_bytes: int = 0) -> str:
        assert self.registry
        self.registry.push("team/app", tag, busybox_tar(), filler_bytes)
        name = self.registry.name(f"team/app:{tag}")
        self.names.add(name)
        return name

    def lock(self) -> None:
        assert self.registry
        self.registry.behaviour.user, self.registry.behaviour.password = LOGIN.username, LOGIN.password

    async def close(self) -> None:
        for name in self.names:
            with contextlib.suppress(APIError):
                self.connection.client().remove_image(name, force=True)
        self.connection.close()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture(params=["memory", "docker"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    if request.param == "memory":
        yield InMemory()
        return
    if reason := why_no_docker():
        pytest.skip(reason)
    made = OnDocker(request.getfixturevalue("registry"))
    yield made
    await made.close()


@pytest.fixture
async def docker(registry: Registry) -> AsyncIterator[OnDocker]:
    if reason := why_no_docker():
        pytest.skip(reason)
    made = OnDocker(registry)
    yield made
    await made.close()


async def test_what_was_pulled_is_there_with_its_size(engine: Engine) -> None:
    name = engine.push()
    assert await engine.images.image(name) is None
    pulled = await engine.images.pull(name)
    assert await engine.images.image(name) == pulled
    assert pulled.id.startswith("sha256:") and pulled.size_bytes > 0
    (stored,) = [each for each in await engine.images.stored_images() if each.id == pulled.id]
    assert name in stored.names and (stored.size_bytes, stored.containers) == (pulled.size_bytes, 0)


async def test_an_image_is_removed_by_its_name(engine: Engine) -> None:
    name = engine.push()
    await engine.images.pull(name)
    assert await engine.images.remove_image(name)
    assert await engine.images.image(name) is None
    assert await engine.images.remove_image(name), "what is gone is removed"


async def test_an_image_that_no_registry_knows_is_not_pulled(engine: Engine) -> None:
    with pytest.raises(ImageError, match="manifest unknown") as caught:
        await engine.images.pull(engine.push().rpartition(":")[0] + ":other")
    assert caught.value.reason == "ErrImagePull"


async def test_a_login_opens_a_registry_and_a_wrong_one_does_not(engine: Engine) -> None:
    name = engine.push()
    engine.lock()
    for login in (None, WRONG):
        with pytest.raises(ImageError, match=r"unauthorized|no basic auth credentials") as caught:
            await engine.images.pull(name, login)
        assert caught.value.reason == "ErrImagePull"
    assert await engine.images.pull(name, LOGIN)


async def test_what_is_no_name_is_refused(engine: Engine) -> None:
    for question in (engine.images.image, engine.images.pull) if engine.registry else (engine.images.image,):
        with pytest.raises(ImageError) as caught:
            await question("Upper/Case")
        assert caught.value.reason == "InvalidImageName"


async def test_the_disk_of_the_images_has_room_and_an_end(engine: Engine) -> None:
    disk = await engine.images.image_disk()
    assert disk is not None and 0 < disk.available_bytes < disk.capacity_bytes


async def test_an_image_is_pulled_by_its_digest(docker: OnDocker, registry: Registry) -> None:
    digest = registry.push("team/app", "1", busybox_tar())
    name = registry.name(f"team/app@{digest}")
    docker.names.add(name)
    pulled = await docker.images.pull(name)
    assert await docker.images.image(name) == pulled
    with pytest.raises(ImageError, match="manifest unknown"):
        await docker.images.pull(registry.name(f"team/app@sha256:{'0' * 64}"))


async def test_a_token_is_fetched_with_the_login(docker: OnDocker, registry: Registry) -> None:
    name = docker.push()
    docker.lock()
    registry.behaviour.tokens = True
    with pytest.raises(ImageError):
        await docker.images.pull(name, WRONG)
    assert await docker.images.pull(name, LOGIN)


@pytest.mark.parametrize("status", [429, 500])
async def test_a_registry_that_answers_with_an_error_is_quoted(
    docker: OnDocker, registry: Registry, status: int
) -> None:
    name = docker.push()
    registry.behaviour.answers = [status] * 20
    with pytest.raises(ImageError, match=f"the test answers {status}|{status}"):
        await docker.images.pull(name)
    registry.behaviour.answers = []
    assert await docker.images.pull(name)


async def test_a_registry_that_says_nothing_is_given_up(docker: OnDocker, registry: Registry) -> None:
    name = docker.push()
    registry.behaviour.delay_seconds = 3
    with pytest.raises(ImageError, match=r"no answer in 300ms: i/o timeout"):
        await docker.images.pull(name, patience_seconds=0.3)


async def test_a_pull_that_stands_still_is_cancelled_and_says_where_it_stood(
    docker: OnDocker, registry: Registry
) -> None:
    name = docker.push(filler_bytes=1 << 20)
    registry.behaviour.bytes_per_second = 1 << 16  # a piece each second
    impatient = Images(docker.connection, silence_seconds=0.5)
    # The engine may hold the first layer already, of another test's image.
    words = r'Cancel pulling image .* because of no progress for 500ms, latest progress: "[01] of 2 layers'
    with pytest.raises(ImageError, match=words):
        await impatient.pull(name)
    await until(_zero(registry))


async def test_progress_is_told_and_a_cancelled_pull_ends_on_the_engine(docker: OnDocker, registry: Registry) -> None:
    name, progress = docker.push(filler_bytes=16 << 20), PullProgress()
    registry.behaviour.bytes_per_second = 2 << 20
    pull = asyncio.create_task(docker.images.pull(name, progress=progress))

    async def halfway() -> bool:
        return any(0 < layer.current < layer.total for layer in progress.layers.values())

    await until(halfway)
    assert "of 2 layers, " in str(progress) and str(progress).endswith("MB")
    pull.cancel()
    await asyncio.gather(pull, return_exceptions=True)
    await until(_zero(registry))
    assert await docker.images.image(name) is None


def _zero(registry: Registry) -> Callable[[], Awaitable[bool]]:
    async def nothing_on_its_way() -> bool:
        return registry.layers_now == 0

    return nothing_on_its_way


async def test_an_image_that_a_container_is_of_stays(docker: OnDocker, registry: Registry) -> None:
    name = docker.push()
    pulled = await docker.images.pull(name)
    client = docker.connection.client()
    container = client.create_container(name, "true")["Id"]
    try:
        assert not await docker.images.remove_image(name)
        (stored,) = [each for each in await docker.images.stored_images() if each.id == pulled.id]
        assert stored.containers == 1 and name in stored.names
    finally:
        client.remove_container(container)


async def test_the_collector_takes_what_was_pulled_and_leaves_what_others_named(
    docker: OnDocker, registry: Registry, tmp_path: Path
) -> None:
    mine, shared = docker.push("mine"), docker.push("shared")
    pulled = PulledImages(tmp_path)
    for name in (mine, shared):
        pulled.note((await docker.images.pull(name)).id, name, name, None)
    own = registry.name("somebodys:own")
    docker.names.add(own)
    docker.connection.client().tag(shared, own.rpartition(":")[0], "own")
    collector = ImageCollector(docker.images, pulled, RealClock(), policy=Policy(), tell=lambda *_: None)
    assert await collector.delete_unused() > 0
    assert await docker.images.image(mine) is None
    assert await docker.images.image(shared) and await docker.images.image(own)


async def test_the_machines_own_login_is_found_in_its_file(
    docker: OnDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = docker.push()
    docker.lock()
    host = name.partition("/")[0]
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "bWU6c2VjcmV0"}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    own = await docker.images.own_login(name)
    assert own is not None and (own.username, own.password, own.secret) == ("me", "secret", None)
    assert await docker.images.pull(name, own)
    assert await docker.images.own_login("elsewhere.example/app") is None
