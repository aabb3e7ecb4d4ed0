import asyncio

from podling.api.errors import Expired, ServiceUnavailable
from podling.client.events import EventRecorder, reference
from podling.client.fake import FakeClient
from podling.client.informer import Informer
from podling.client.resource import EVENTS, PODS
from podling.loop.clock import FakeClock, settle


def pod(name: str, **labels: str) -> dict[str, object]:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"containers": []}}


async def test_the_copy_follows_creations_changes_and_deletions() -> None:
    client = FakeClient()
    client.add(PODS, pod("a"))
    informer = Informer(client, PODS)
    heard: list[str] = []
    informer.on_change(lambda key, old, new: heard.append(key))
    task = asyncio.create_task(informer.run())
    await informer.synced()
    client.add(PODS, pod("b"))
    await client.patch(PODS, "a", {"metadata": {"labels": {"x": "y"}}}, "default")
    await client.delete(PODS, "b", "default")
    await settle()
    found = informer.get("default/a")
    assert found is not None and found.metadata.labels == {"x": "y"}
    assert len(informer) == 1
    assert heard == ["default/a", "default/b", "default/a", "default/b"]
    task.cancel()


async def test_a_selector_lets_objects_enter_and_leave() -> None:
    client = FakeClient()
    client.add(PODS, pod("a", app="web"))
    informer = Informer(client, PODS, labels="app=web")
    task = asyncio.create_task(informer.run())
    await informer.synced()
    await client.patch(PODS, "a", {"metadata": {"labels": {"app": "db"}}}, "default")
    await settle()
    assert len(informer) == 0
    task.cancel()


async def test_what_happened_while_the_watch_was_broken_is_found_again() -> None:
    client, clock = FakeClient(), FakeClock()
    client.add(PODS, pod("a"))
    informer = Informer(client, PODS, clock=clock)
    task = asyncio.create_task(informer.run())
    await informer.synced()

    def away(verb: str, plural: str, name: str) -> None:
        raise ServiceUnavailable("away") if verb != "watch" else Expired("too old")

    client.fail = away
    client.add(PODS, pod("b"))
    await clock.advance(3)
    client.fail = lambda verb, plural, name: None
    await client.delete(PODS, "a", "default")
    await clock.advance(10)
    assert [item.metadata.name for item in informer.values()] == ["b"]  # type: ignore[union-attr]
    task.cancel()


async def test_a_repeated_event_is_counted() -> None:
    client = FakeClient()
    client.add(PODS, pod("a"))
    subject = reference("Pod", (await client.get(PODS, "a", "default")).metadata, field_path="spec.containers{app}")
    recorder = EventRecorder(client, "kubelet", "n1", FakeClock())
    for _ in range(3):
        recorder.event(subject, "Warning", "BackOff", "Back-off restarting failed container")
    await recorder.drain()
    events = (await client.list(EVENTS)).items
    assert [(event.count, event.reason, event.involvedObject.fieldPath) for event in events] == [
        (3, "BackOff", "spec.containers{app}")
    ]
