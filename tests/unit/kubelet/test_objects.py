"""What pods read from the API server, and what they hear of its changes."""

import asyncio
from datetime import UTC, timedelta
from typing import Any

import pytest

from kubelet.environment import Source
from kubelet.volumes.objects import Objects
from podling.api.errors import ServiceUnavailable
from podling.client.fake import FakeClient
from podling.client.resource import CONFIG_MAPS
from podling.loop.clock import FakeClock

from .build import typed_pod

CONF = Source("ConfigMap", "conf")
VOLUME = {
    "name": "t",
    "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 1000}}]},
}


class World:
    def __init__(self) -> None:
        self.client, self.clock = FakeClient(), FakeClock()
        self.objects = Objects(self.client, self.clock)
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.objects.followed.on_change = self.told.put_nowait
        self.reads = 0

        def count(verb: str, plural: str, name: str) -> None:
            self.reads += verb == "get"

        self.client.fail = count

    def conf(self, value: str, **more: Any) -> dict[str, Any]:
        return {"metadata": {"name": "conf", "namespace": "default"}, "data": {"a": value}, **more}

    async def heard(self) -> str:
        return await asyncio.wait_for(self.told.get(), 60)


@pytest.fixture
async def world() -> Any:
    made = World()
    yield made
    made.objects.close()


async def test_a_pod_hears_when_what_it_reads_changes_comes_or_goes(world: World) -> None:
    pod = typed_pod()
    assert await world.objects.of_pod(CONF, pod) is None
    world.client.add(CONFIG_MAPS, world.conf("1"))
    assert await world.heard() == "uid-web"
    assert (await world.objects.of_pod(CONF, pod)).data == {"a": "1"}
    await world.client.update(CONFIG_MAPS, world.conf("2"))
    assert await world.heard() == "uid-web"
    await world.objects.of_pod(CONF, pod)
    await world.client.delete(CONFIG_MAPS, "conf", "default")
    assert await world.heard() == "uid-web"


async def test_one_watch_serves_all_pods_until_the_last_has_gone(world: World) -> None:
    watches = []
    world.client.fail = lambda verb, plural, name: watches.append(plural) if verb == "watch" else None
    first, second = typed_pod(), typed_pod()
    second.metadata.uid = "uid-other"
    for pod in (first, second):
        await world.objects.of_pod(CONF, pod)
    world.objects.forget("uid-web")
    world.client.add(CONFIG_MAPS, world.conf("1"))
    assert await world.heard() == "uid-other" and watches == ["configmaps"] and world.told.empty()
    world.objects.forget("uid-other")
    await asyncio.sleep(0)
    await world.client.update(CONFIG_MAPS, world.conf("2"))
    assert world.told.empty()


async def test_what_is_immutable_is_read_once_a_pod(world: World) -> None:
    world.client.add(CONFIG_MAPS, world.conf("1", immutable=True))
    for _ in range(3):
        assert (await world.objects.of_pod(CONF, typed_pod())).data == {"a": "1"}
    assert world.reads == 1


class Tokens(FakeClient):
    """Answers each request for a token with another one, as long as it asks for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock, self.requests = clock, list[Any]()

    async def create(self, of: Any, data: Any, namespace: str = "", *, name: str = "", subresource: str = "") -> Any:
        self.fail("create", of.plural, name)
        self.requests.append((name, data["spec"]))
        ends = self.clock.now() + timedelta(seconds=data["spec"]["expirationSeconds"])
        status = {"token": f"token {len(self.requests)}", "expirationTimestamp": ends.astimezone(UTC).isoformat()}
        answer = {**data, "status": status}
        return await super().create(of, answer, namespace, name=name, subresource=subresource)


async def test_a_token_is_bound_to_its_pod_and_renewed_in_time() -> None:
    clock = FakeClock()
    client = Tokens(clock)
    objects, pod = Objects(client, clock), typed_pod(volumes=[VOLUME], serviceAccountName="robot")

    async def token() -> str:
        parts = await objects.parts(pod, pod.spec.volumes[0], None)  # type: ignore[arg-type]
        return next(iter(parts.tokens.values()))

    assert await token() == "token 1"
    name, spec = client.requests[0]
    assert name == "robot" and spec["expirationSeconds"] == 1000
    assert (spec["boundObjectRef"]["kind"], spec["boundObjectRef"]["uid"]) == ("Pod", "uid-web")
    await clock.advance(790)
    assert await token() == "token 1"
    await clock.advance(20)

    def away(verb: str, plural: str, name: str) -> None:
        raise ServiceUnavailable("away")

    client.fail = away
    assert await token() == "token 1", "it holds on while the API server is away"
    client.fail = lambda verb, plural, name: None
    assert await token() == "token 2"
