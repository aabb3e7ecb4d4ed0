import asyncio

from podling.loop.clock import FakeClock, settle
from podling.loop.reconcile import After, Terminal, run
from podling.loop.workqueue import WorkQueue


async def test_a_key_waits_once_however_often_it_is_added() -> None:
    queue: WorkQueue[str] = WorkQueue(FakeClock())
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 1


async def test_a_key_in_work_is_handed_out_again_only_after_done() -> None:
    queue: WorkQueue[str] = WorkQueue(FakeClock())
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"


async def test_the_earliest_of_several_waits_counts() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    await clock.advance(5)
    assert len(queue) == 1
    queue.close()


async def test_failures_wait_longer_each_time_until_success_forgets_them() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    looked: list[float] = []

    async def reconcile(key: str) -> None:
        looked.append(clock.monotonic())
        if len(looked) < 4:
            raise RuntimeError("not yet")

    task = asyncio.create_task(run("test", queue, reconcile))
    queue.add("a")
    await clock.advance(1)
    assert [round(at, 2) for at in looked] == [0, 0.05, 0.15, 0.35]
    task.cancel()


async def test_a_terminal_outcome_is_not_tried_again_and_after_is() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    looked: list[str] = []

    async def reconcile(key: str) -> After:
        looked.append(key)
        if key == "bad":
            raise Terminal("no use")
        return After(60)

    task = asyncio.create_task(run("test", queue, reconcile, workers=2))
    queue.add("bad")
    queue.add("good")
    await clock.advance(61)
    assert sorted(looked) == ["bad", "good", "good"]
    task.cancel()
    await settle()
