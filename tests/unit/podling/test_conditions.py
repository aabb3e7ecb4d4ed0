from podling.api import conditions

OLD = {"type": "Ready", "status": "True", "reason": "Up", "lastTransitionTime": "1"}


def test_a_new_condition_comes_last_and_begins_now() -> None:
    wanted = {"type": "Seen", "status": "False"}
    assert conditions.turned([OLD], wanted, "2") == [OLD, {**wanted, "lastTransitionTime": "2"}]
    assert conditions.turned(None, wanted, "2") == [{**wanted, "lastTransitionTime": "2"}]


def test_a_condition_keeps_its_time_until_its_status_turns() -> None:
    still = {"type": "Ready", "status": "True", "reason": "StillUp"}
    assert conditions.turned([OLD, {"type": "X"}], still, "2") == [{**still, "lastTransitionTime": "1"}, {"type": "X"}]
    down = {"type": "Ready", "status": "False"}
    assert conditions.turned([OLD], down, "2") == [{**down, "lastTransitionTime": "2"}]


def test_only_true_holds() -> None:
    assert conditions.holds([OLD], "Ready")
    assert not conditions.holds([{**OLD, "status": "Unknown"}], "Ready")
    assert not conditions.holds(None, "Ready")
