from scheduler.queue import FLUSH_SECONDS, SchedulingQueue


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def queue(time: Time) -> SchedulingQueue:
    return SchedulingQueue(time, lambda name, change: name == "Fit" and change == "room")


def test_higher_priority_goes_first_and_then_the_older() -> None:
    waiting = queue(Time())
    waiting.add("young", 0, 2.0)
    waiting.add("old", 0, 1.0)
    waiting.add("urgent", 10, 3.0)
    assert [waiting.pop() for _ in range(4)] == ["urgent", "old", "young", None]


def test_a_refused_pod_waits_for_a_change_that_may_help_it() -> None:
    time = Time()
    waiting = queue(time)
    waiting.refuse("a", 0, 0, frozenset({"Fit"}))
    time.seconds = 100
    waiting.wake("weather")
    assert waiting.pop() is None
    waiting.wake("room")
    assert waiting.pop() == "a"


def test_a_woken_pod_still_waits_for_its_backoff() -> None:
    time = Time()
    waiting = queue(time)
    for seconds in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        waiting.refuse("a", 0, 0, frozenset({"Fit"}))
        waiting.wake("room")
        assert waiting.next_due() == time.seconds + seconds
        time.seconds += seconds - 0.01
        assert waiting.pop() is None
        time.seconds += 0.01
        assert waiting.pop() == "a"


def test_a_refused_pod_is_tried_again_in_the_end_whatever_happens() -> None:
    time = Time()
    waiting = queue(time)
    waiting.refuse("a", 0, 0, frozenset({"Fit"}))
    assert waiting.next_due() == FLUSH_SECONDS + 1
    time.seconds = FLUSH_SECONDS + 1
    assert waiting.pop() == "a"


def test_a_removed_pod_is_never_handed_out() -> None:
    waiting = queue(Time())
    waiting.add("a", 0, 0)
    waiting.remove("a")
    assert waiting.pop() is None
    assert len(waiting) == 0
