"""The checker of the API's model finds what it is there to find: each kind of fault, put into a history without any."""

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.scenarios.api_model.check import faults
from tests.scenarios.api_model.history import Asked, Got, History, Listed, Page, Watched, Written
from tests.scenarios.api_model.operations import COLORS, Operation, deployment
from tests.scenarios.api_model.truth import Change, Event, Item, Object, Selection, Truth, bare

KEYS = ("default/a", "default/b", "other/a")
RED = Selection("", "color=red", "", lambda _, obj: obj["metadata"]["labels"]["color"] == "red")
SELECTIONS = (Selection(), Selection("default"), RED)


class World:
    """A server without faults: what was done to it, and what everybody was told of it."""

    def __init__(self, seed: int) -> None:
        self.chance, self.history, self.revision = random.Random(seed), History(), 10
        self.log: list[tuple[int, str, Object | None]] = []
        self.now: dict[str, Item] = {}
        for number in range(60):
            self.write(KEYS[0] if number < 3 else self.chance.choice(KEYS))
            self.read()
        for selection in SELECTIONS:
            self.watch(selection, self.chance.choice([10, self.revision // 2]))
        conflict = self.operation("replace", KEYS[0])
        conflict.base = 1
        self.history.written.append(Written(conflict, self.asked(), 409))

    @property
    def truth(self) -> Truth:
        return Truth(self.log)

    def operation(self, verb: str, key: str) -> Operation:
        return Operation(self.history.number(), verb, key, self.chance.choice(COLORS), self.chance.randrange(4))

    def asked(self) -> Asked:
        asked = self.history.ask()
        self.history.answered(asked, self.revision)
        return asked

    def write(self, key: str) -> None:
        before = self.now.get(key)
        verb = "create" if before is None else self.chance.choice(("merge", "replace", "overwrite", "delete"))
        op = self.operation(verb, key)
        if verb == "replace" and before:
            op.base = before.revision
        asked = self.history.ask()
        self.revision += self.chance.randrange(1, 3)
        written = Written(op, asked, 200)
        if verb == "delete" and before:
            written.uid = before.object["metadata"]["uid"]
            del self.now[key]
            self.log.append((self.revision, key, None))
        else:
            self.now[key] = written.item = Item(key, self.revision, self.made(op, before))
            self.log.append((self.revision, key, self.now[key].object))
        self.history.answered(asked, self.revision)
        self.history.written.append(written)

    def made(self, op: Operation, before: Item | None) -> Object:
        obj = bare(deployment(op.key, op.id, op.color, op.replicas))
        old = before.object["metadata"] if before else {"uid": f"u{op.id}", "generation": 0}
        obj["metadata"] |= {"uid": old["uid"], "generation": old["generation"] + 1}
        if before and op.verb == "merge":
            obj["spec"]["replicas"] = before.object["spec"]["replicas"]
        return obj

    def read(self) -> None:
        key, selection, limit = self.chance.choice(KEYS), self.chance.choice(SELECTIONS), self.chance.choice((0, 1))
        self.history.got.append(Got(key, self.asked(), self.now.get(key)))
        items = self.truth.state(selection, self.revision)
        pages = [[item] for item in items] if limit and items else [items]
        scope = len(self.truth.state(Selection(selection.namespace), self.revision))
        listed = Listed(selection, self.asked(), limit, self.revision, complete=True)
        for number, page in enumerate(pages, 1):
            more = number < len(pages)
            remaining = scope - number if more and selection is not RED else None
            listed.pages.append(Page(page, self.revision, remaining, more))
        self.history.listed.append(listed)

    def watch(self, selection: Selection, since: int) -> None:
        told = [event for event in self.truth.seen(selection) if event.revision > since]
        middle = len(told) // 2
        bookmark = Event("BOOKMARK", told[middle].revision)
        events = [*told[: middle + 1], bookmark, *told[middle + 1 :]]
        self.history.watched.append(Watched(selection, since, self.truth.state(selection, since), events))


@pytest.mark.parametrize("seed", range(20))
def test_a_history_without_faults_has_none(seed: int) -> None:
    world = World(seed)
    assert faults(world.history, world.truth) == []


def last(found: list[Written], verb: str) -> Written:
    return [each for each in found if each.op.verb == verb and each.code == 200][-1]


def a_lost_update(world: World) -> None:
    """Two writers read the same, and both were let through."""
    op = last(world.history.written, "replace").op
    op.base -= 1


def a_write_that_is_gone(world: World) -> None:
    item = last(world.history.written, "merge").item
    world.log = [each for each in world.log if item and each[0] != item.revision]


def a_write_twice(world: World) -> None:
    _, key, obj = next(each for each in world.log if each[2])
    world.log.append((world.revision + 1, key, obj))


def a_write_of_nobody(world: World) -> None:
    written = last(world.history.written, "merge")
    world.history.written.remove(written)


def a_refused_write_that_was_carried_out(world: World) -> None:
    written = last(world.history.written, "merge")
    written.code, written.item = 409, None


def a_refusal_without_a_reason(world: World) -> None:
    key = next(key for key in KEYS if key in world.now)
    op = world.operation("replace", key)
    op.base = world.now[key].revision
    world.history.written.append(Written(op, world.asked(), 409))


def a_rehearsal_that_was_carried_out(world: World) -> None:
    last(world.history.written, "merge").op.verb = "rehearse"


def another_content_than_asked_for(world: World) -> None:
    op = last(world.history.written, "overwrite").op
    op.replicas += 1


def an_answer_of_another_content(world: World) -> None:
    written = last(world.history.written, "merge")
    assert written.item
    changed = deepcopy(written.item.object)
    changed["spec"]["replicas"] = 99
    written.item = written.item._replace(object=changed)


def a_deletion_of_nobody(world: World) -> None:
    world.history.written.remove(last(world.history.written, "delete"))


def a_deletion_that_did_not_happen(world: World) -> None:
    last(world.history.written, "delete").uid = "another"


def one_deletion_for_two(world: World) -> None:
    written = last(world.history.written, "delete")
    world.history.written.append(replace(written))


def a_get_of_old(world: World) -> None:
    changes: list[Change] = [change for change in world.truth.changes if change.before is not None]
    old = changes[-1]
    world.history.got.append(Got(old.key, world.asked(), Item(old.key, old.was, old.before or {})))


def a_get_that_misses(world: World) -> None:
    world.history.got.append(Got(next(iter(world.now)), world.asked(), None))


def whole(world: World) -> Listed:
    return [each for each in world.history.listed if each.pages[0].items][-1]


def a_list_that_misses_one(world: World) -> None:
    whole(world).pages[0].items.pop()


def a_list_with_one_of_old(world: World) -> None:
    items = whole(world).pages[0].items
    items[0] = items[0]._replace(revision=items[0].revision - 1)


def a_list_that_is_too_old(world: World) -> None:
    whole(world).least = world.revision + 1


def a_list_of_another_version_than_asked_for(world: World) -> None:
    whole(world).exact = 5


def paged(world: World) -> Listed:
    return [each for each in world.history.listed if len(each.pages) > 1 and each.selection is not RED][-1]


def a_page_of_another_version(world: World) -> None:
    paged(world).pages[1].revision += 1


def a_page_that_is_missing(world: World) -> None:
    del paged(world).pages[-1]


def a_page_twice(world: World) -> None:
    pages = paged(world).pages
    pages.insert(1, pages[0])


def a_wrong_count_of_the_rest(world: World) -> None:
    paged(world).pages[0].remaining = 77


def events(world: World) -> list[Event]:
    return world.history.watched[0].events


def an_event_missed(world: World) -> None:
    del events(world)[1]


def an_event_twice(world: World) -> None:
    events(world).insert(2, events(world)[1])


def events_out_of_order(world: World) -> None:
    found = events(world)
    found[0], found[1] = found[1], found[0]


def an_event_of_another_type(world: World) -> None:
    found = events(world)
    at = next(number for number, event in enumerate(found) if event.type == "MODIFIED")
    found[at] = found[at]._replace(type="ADDED")


def an_event_of_other_content(world: World) -> None:
    found = events(world)
    found[0] = found[0]._replace(object={})


def an_event_that_the_selector_does_not_want(world: World) -> None:
    unwanted = next(event for event in world.truth.seen(Selection()) if event not in world.truth.seen(RED))
    world.history.watched[2].events.insert(0, unwanted)


def a_gap_at_the_end(world: World) -> None:
    events(world).pop()


def a_bookmark_too_early(world: World) -> None:
    found = events(world)
    at = next(number for number, event in enumerate(found) if event.type == "BOOKMARK")
    found[at] = Event("BOOKMARK", found[-1].revision)


def a_bookmark_that_goes_back(world: World) -> None:
    found = events(world)
    at = next(number for number, event in enumerate(found) if event.type == "BOOKMARK")
    found[at] = Event("BOOKMARK", found[0].revision - 1)


def a_start_that_misses_one(world: World) -> None:
    watched = next(each for each in world.history.watched if each.start)
    assert watched.start
    watched.start.pop()


FAULTS: tuple[Callable[[World], None], ...] = (
    a_lost_update,
    a_write_that_is_gone,
    a_write_twice,
    a_write_of_nobody,
    a_refused_write_that_was_carried_out,
    a_refusal_without_a_reason,
    a_rehearsal_that_was_carried_out,
    another_content_than_asked_for,
    an_answer_of_another_content,
    a_deletion_of_nobody,
    a_deletion_that_did_not_happen,
    one_deletion_for_two,
    a_get_of_old,
    a_get_that_misses,
    a_list_that_misses_one,
    a_list_with_one_of_old,
    a_list_that_is_too_old,
    a_list_of_another_version_than_asked_for,
    a_page_of_another_version,
    a_page_that_is_missing,
    a_page_twice,
    a_wrong_count_of_the_rest,
    an_event_missed,
    an_event_twice,
    events_out_of_order,
    an_event_of_another_type,
    an_event_of_other_content,
    an_event_that_the_selector_does_not_want,
    a_gap_at_the_end,
    a_bookmark_too_early,
    a_bookmark_that_goes_back,
    a_start_that_misses_one,
)


@pytest.mark.parametrize("inject", FAULTS, ids=lambda inject: inject.__name__)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_fault_is_found(inject: Callable[[World], None], seed: int) -> None:
    world = World(seed)
    inject(world)
    assert faults(world.history, world.truth)
