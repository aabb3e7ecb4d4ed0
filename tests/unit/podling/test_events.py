"""What repeats becomes one Event, what is too much is not told; and the recorder over a client in memory."""

import asyncio
from datetime import UTC, datetime, timedelta

from podling.client.correlator import Correlator, Observed, Occurrence
from podling.client.events import EventRecorder
from podling.client.fake import FakeClient
from podling.client.resource import EVENTS
from podling.loop.clock import FakeClock, settle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = {"kind": "Pod", "namespace": "default", "name": "web", "uid": "1"}


def occurrence(message: str, reason: str = "Unhealthy", **involved: str) -> Occurrence:
    return Occurrence(tuple(sorted({**POD, **involved}.items())), "Warning", reason, message)


def told(correlator: Correlator, event: Occurrence, after: float = 0) -> Observed:
    found = correlator.observe(event, NOW + timedelta(seconds=after))
    assert found is not None
    if not found.name:
        correlator.named(found, f"event-{found.message}")
    return found


def test_the_same_again_is_counted_on_one_event() -> None:
    correlator = Correlator()
    first = told(correlator, occurrence("no"))
    second = told(correlator, occurrence("no"), after=5)
    assert (first.times, first.name) == (1, "")
    assert (second.times, second.name, second.first) == (2, "event-no", NOW)


def test_the_tenth_message_of_a_reason_is_combined_with_those_that_follow() -> None:
    correlator = Correlator()
    found = [told(correlator, occurrence(f"failed {number}")) for number in range(12)]
    assert [each.message for each in found[:9]] == [f"failed {number}" for number in range(9)]
    assert [each.message for each in found[9:]] == [
        f"(combined from similar events): failed {number}" for number in (9, 10, 11)
    ]
    assert [each.times for each in found[9:]] == [1, 2, 3]
    assert found[10].name == found[11].name != ""


def test_other_reasons_and_objects_are_not_similar() -> None:
    correlator = Correlator()
    for number in range(9):
        told(correlator, occurrence(f"failed {number}"))
    assert told(correlator, occurrence("other", reason="BackOff")).message == "other"
    assert told(correlator, occurrence("other", name="db")).message == "other"


def test_similar_events_are_forgotten_after_ten_quiet_minutes() -> None:
    correlator = Correlator()
    for number in range(9):
        told(correlator, occurrence(f"failed {number}"))
    assert told(correlator, occurrence("late"), after=601).message == "late"


def test_an_object_has_a_burst_of_25_events_and_then_one_in_five_minutes() -> None:
    correlator = Correlator()
    for _ in range(25):
        told(correlator, occurrence("no"))
    assert correlator.observe(occurrence("no"), NOW) is None
    assert correlator.observe(occurrence("no", fieldPath="spec.containers{app}"), NOW) is None, "the pod's own share"
    assert told(correlator, occurrence("no", name="db")).times == 1
    assert told(correlator, occurrence("no"), after=301).times == 27, "what was not told counts"


async def test_the_recorder_writes_one_event_with_a_count() -> None:
    client, clock = FakeClient(), FakeClock()
    recorder = EventRecorder(client, "kubelet", "n1", clock)
    writer = asyncio.ensure_future(recorder.run())
    for _ in range(3):
        recorder.event(POD, "Warning", "Unhealthy", "Readiness probe failed: no")
        await settle()
        await clock.advance(1)
    [event] = client.objects.values()
    assert (event["count"], event["source"]) == (3, {"component": "kubelet", "host": "n1"})
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z")
    await client.delete(EVENTS, event["metadata"]["name"], "default")
    recorder.event(POD, "Warning", "Unhealthy", "Readiness probe failed: no")
    await settle()
    [again] = client.objects.values()
    assert again["count"] == 4, "an event that expired is written anew, with what was counted"
    writer.cancel()
