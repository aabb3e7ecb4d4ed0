"""Does what clients were told fit what happened? Pure: a history and the truth in, what is wrong out.

writes   every change is the outcome of one write on what was there before, each write once; what was answered is
         there, what was refused is not, and was refused with reason
gets     the object as it was at some moment between question and answer
lists    all pages together are the state at one revision, which is not older than what was known
watches  from where they begin, every change that the selection sees, once, in order; a bookmark is told when
         everything before it was
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from tests.scenarios.api_model.history import Asked, Got, History, Listed, Watched, Written
from tests.scenarios.api_model.operations import Operation, number_of, outcome, view
from tests.scenarios.api_model.truth import Change, Event, Item, Selection, Truth

DONE = (200, 201)
MOST_FAULTS = 20


def faults(history: History, truth: Truth) -> list[str]:
    """What is wrong, the first of it. Whoever watches must have been told everything."""
    horizon = _Horizon(history, truth)
    found: list[str] = []
    for each in (
        _changes(history, truth),
        _writes(history, truth, horizon),
        _deletions(history, truth),
        _gets(history.got, truth, horizon),
        _lists(history.listed, truth),
        _watches(history.watched, truth),
    ):
        for fault in each:
            found.append(fault)
            if len(found) == MOST_FAULTS:
                return found
    return found


class _Horizon:
    """The newest revision that an answer of some moment can have seen: its write had begun before."""

    def __init__(self, history: History, truth: Truth) -> None:
        begun = {each.op.id: each.asked.begun for each in history.written}
        uids = {each.uid: each.asked.begun for each in history.written if each.uid}
        unanswered = (each for each in history.written if each.op.verb == "delete" and not each.code)
        unknown: dict[str, int] = {}
        for each in unanswered:
            unknown[each.op.key] = min(each.asked.begun, unknown.get(each.op.key, each.asked.begun))
        moments = []
        for change in truth.changes:
            if change.after is not None:
                moment = begun.get(number_of(change.before, change.after), 0)
            else:
                uid = change.before["metadata"]["uid"] if change.before else ""
                moment = uids.get(uid) or unknown.get(change.key, 0)
            moments.append((moment, change.revision))
        moments.sort()
        self._moments = [moment for moment, _ in moments]
        self._revisions = list(accumulate((revision for _, revision in moments), max))

    def at(self, asked: Asked) -> int:
        found = bisect_right(self._moments, asked.ended)
        return self._revisions[found - 1] if found else 0


def _changes(history: History, truth: Truth) -> Iterator[str]:
    writes = {each.op.id: each for each in history.written}
    done: dict[int, int] = {}
    for change in truth.changes:
        if change.after is None:
            continue
        number = number_of(change.before, change.after)
        write = writes.get(number)
        if write is None:
            yield f"{_named(change)}: nobody asked for it (op {number})"
            continue
        if number in done:
            yield f"{_named(change)}: op {number} was carried out at {done[number]} already"
        done[number] = change.revision
        yield from _outcome(write.op, change)
        if write.code not in (*DONE, 0) or write.op.verb == "rehearse":
            yield f"{_named(change)}: {write.op} was answered with {write.code}, and yet carried out"


def _outcome(op: Operation, change: Change) -> Iterator[str]:
    assert change.after is not None
    before = Item(change.key, change.was, change.before) if change.before is not None else None
    wanted, found = outcome(op, before), view(change.after)
    if isinstance(wanted, str):
        yield f"{_named(change)}: {op} was carried out, though {wanted}"
    elif op.key != change.key or wanted != found:
        yield f"{_named(change)}: {op} made {found} of {before and view(before.object)}, it should be {wanted}"
    elif before is not None and before.object["metadata"]["uid"] != change.after["metadata"]["uid"]:
        yield f"{_named(change)}: {op} made another object of it"


def _writes(history: History, truth: Truth, horizon: _Horizon) -> Iterator[str]:
    for each in history.written:
        op, key = each.op, each.op.key
        if op.verb == "delete" or not each.code:
            pass
        elif op.verb == "rehearse" and each.code in DONE:
            continue
        elif each.code in DONE:
            change = truth.change(key, each.item.revision) if each.item else None
            if change is None or change.after is None or number_of(change.before, change.after) != op.id:
                yield f"{op} was answered with {each.code} at {each.item and each.item.revision}, and is not there"
            elif each.item and each.item.object != change.after:
                yield f"{op} was answered with another object than was written at {change.revision}"
        if each.code not in (*DONE, 0) and not _has_reason(each, truth, horizon):
            yield f"{op} was refused without a reason: {each.code} {each.words}"


def _has_reason(each: Written, truth: Truth, horizon: _Horizon) -> bool:
    op = each.op
    states = truth.between(op.key, each.asked.floor, horizon.at(each.asked))
    if each.code == 404:
        return None in states
    if each.code == 409 and op.verb == "create":
        return any(states)
    if each.code == 409:
        return bool(op.base) and any(state is None or state.revision != op.base for state in states)
    return (
        each.code == 422
        and op.verb == "json"
        and any(state is not None and view(state.object)["op"] != op.seen for state in states)
    )


def _deletions(history: History, truth: Truth) -> Iterator[str]:
    gone = {
        change.before["metadata"]["uid"]: change
        for change in truth.changes
        if change.after is None and change.before is not None
    }
    asked: dict[str, list[Written]] = {}
    answered: dict[str, Operation] = {}
    for each in history.written:
        if each.op.verb != "delete" or each.code not in (*DONE, 0):
            continue
        if not each.code:
            asked.setdefault(each.op.key, []).append(each)
            continue
        change = gone.get(each.uid)
        if change is None:
            yield f"{each.op} was answered with 200, and the object {each.uid} was not deleted"
        elif each.uid in answered:
            yield f"{each.op} and {answered[each.uid]} were both answered with 200 for one object"
        elif each.op.base and change.was != each.op.base:
            yield f"{each.op} deleted the object of revision {change.was}"
        answered[each.uid] = each.op
    for uid, change in gone.items():
        if uid not in answered and not asked.get(change.key):
            yield f"{_named(change)}: nobody asked for the deletion"


def _gets(got: list[Got], truth: Truth, horizon: _Horizon) -> Iterator[str]:
    for each in got:
        states = truth.between(each.key, each.asked.floor, horizon.at(each.asked))
        if each.item not in states:
            shown, were = each.item and each.item.revision, [state and state.revision for state in states]
            yield f"get of {each.key} gave {shown}, from {each.asked.floor} on it was {were}"


def _lists(listed: list[Listed], truth: Truth) -> Iterator[str]:
    for each in listed:
        if not each.pages:
            continue
        revision = each.pages[0].revision
        name = f"list of {each.selection} at {revision} by {each.limit}"
        if revision < each.least:
            yield f"{name} is older than {each.least}, which was known"
        if each.exact and revision != each.exact:
            yield f"{name} was asked for at {each.exact}"
        wanted = truth.state(each.selection, revision)
        scope = len(truth.state(Selection(each.selection.namespace), revision))
        plain = not (each.selection.labels or each.selection.fields)
        told = 0
        for page in each.pages:
            if page.revision != revision:
                yield f"{name}: a page is of {page.revision}"
            if each.limit and len(page.items) > each.limit:
                yield f"{name}: a page of {len(page.items)}"
            if page.items != wanted[told : told + len(page.items)]:
                yield f"{name}: {_difference(page.items, wanted[told : told + len(page.items)])}"
            told += len(page.items)
            if page.more and plain and page.remaining != scope - told:
                yield f"{name}: {page.remaining} are said to remain, it is {scope - told}"
        if each.complete and told != len(wanted):
            yield f"{name}: {told} items, it should be {len(wanted)}"


def _difference(found: list[Item], wanted: list[Item]) -> str:
    shown = [(item.key, item.revision) for item in found], [(item.key, item.revision) for item in wanted]
    return "objects of other content" if shown[0] == shown[1] else f"{shown[0]}, it should be {shown[1]}"


def _watches(watched: list[Watched], truth: Truth) -> Iterator[str]:
    for each in watched:
        name = f"watch of {each.selection} since {each.since}"
        if each.start is not None and each.start != (wanted := truth.state(each.selection, each.since)):
            yield f"{name} began with {_difference(each.start, wanted)}"
        expected = truth.seen(each.selection)
        at = bisect_right(expected, each.since, key=lambda event: event.revision)
        reached = each.since
        for event in each.events:
            wanted_event = expected[at] if at < len(expected) else None
            if event.type == "BOOKMARK":
                if wanted_event is not None and wanted_event.revision <= event.revision:
                    yield f"{name}: bookmark {event.revision} before {_told(wanted_event)}"
                    break
                if event.revision < reached:
                    yield f"{name}: bookmark {event.revision} after {reached}"
            elif event != wanted_event:
                yield f"{name}: {_told(event)} after {reached}, it should be {wanted_event and _told(wanted_event)}"
                break
            else:
                at += 1
            reached = event.revision
        else:
            if not each.ended and at < len(expected):
                yield f"{name} stopped at {reached} before {_told(expected[at])}"


def _told(event: Event) -> str:
    return f"{event.type} {event.key} at {event.revision}"


def _named(change: Change) -> str:
    return f"change of {change.key} at {change.revision}"
