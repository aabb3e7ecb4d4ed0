"""The machine by tables, and by property: from whatever is seen, its steps lead to what is wanted."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelet.machine import (
    RESTARTS_ALL,
    Action,
    Finish,
    Launch,
    Remove,
    RemoveSandbox,
    Start,
    StartSandbox,
    Stop,
    Wanted,
    current_sandbox,
    is_dead,
    is_over,
    step,
)
from kubelet.member import Member, Rule
from kubelet.runtime import ContainerSeen, PodRef, PodSeen, SandboxSeen, State

REF = PodRef("u", "default", "web")
READY = SandboxSeen("s0", 0, True, "10.0.0.1")
DEAD = SandboxSeen("s0", 0, False, "")
APP, OTHER = Member("app", "h"), Member("other", "h")
INIT, SIDE = Member("init", "h", True, "OnFailure"), Member("side", "h", True, "Always")


def seen(name: str, state: State = State.RUNNING, attempt: int = 0, code: int = 0, **more: str) -> ContainerSeen:
    found = ContainerSeen(
        f"{name}-{attempt}", name, attempt, state, "busybox", "", "h", exit_code=code, sandbox_id="s0"
    )
    return replace(found, **more)  # type: ignore[arg-type]


def engine(*containers: ContainerSeen, sandbox: SandboxSeen | None = READY) -> PodSeen:
    return PodSeen(REF, [sandbox] if sandbox else [], containers)


def wanted(*members: Member, **more: object) -> Wanted:
    return Wanted(REF, members, **more)  # type: ignore[arg-type]


EXITED, CREATED = State.EXITED, State.CREATED
NEVER = Member("app", "h", False, "Never")
CALLER = Member("app", "h", False, "Never", rules=[Rule("RestartAllContainers", frozenset({42}))])
GUEST = Member("look", "h", False, "Never", ephemeral=True)

TABLE = {
    "nothing there": (wanted(APP), engine(sandbox=None), StartSandbox(0)),
    "a sandbox, no member": (wanted(APP, OTHER), engine(), Start("s0", [Launch("app", 0), Launch("other", 0)])),
    "all runs": (wanted(APP), engine(seen("app")), None),
    "one ended": (wanted(APP), engine(seen("app", EXITED, 2, 1)), Start("s0", [Launch("app", 3)])),
    "half started": (wanted(APP), engine(seen("app", CREATED, 2)), Start("s0", [Launch("app", 2)])),
    "could not start": (wanted(APP), engine(seen("app", CREATED, 2, error="x")), Start("s0", [Launch("app", 3)])),
    "ended for good": (wanted(NEVER), engine(seen("app", EXITED)), RemoveSandbox("s0")),
    "over, and tidy": (wanted(NEVER), engine(seen("app", EXITED), sandbox=None), None),
    "over, yet it runs": (wanted(APP, over=True), engine(seen("app")), Stop(["app-0"], ["app"], 30)),
    "init first": (wanted(INIT, APP), engine(), Start("s0", [Launch("init", 0)])),
    "init runs": (wanted(INIT, APP), engine(seen("init")), None),
    "init failed": (wanted(INIT, APP), engine(seen("init", EXITED, 0, 1)), Start("s0", [Launch("init", 1)])),
    "init done": (wanted(INIT, APP), engine(seen("init", EXITED)), Start("s0", [Launch("app", 0)])),
    "init forgotten": (wanted(INIT, APP), engine(seen("app")), None),
    "sidecar runs": (wanted(SIDE, APP), engine(seen("side")), Start("s0", [Launch("app", 0)])),
    "sidecar died": (wanted(SIDE, APP), engine(seen("side", EXITED), seen("app")), Start("s0", [Launch("side", 1)])),
    "sandbox died": (wanted(APP), engine(seen("app"), sandbox=DEAD), Stop(["app-0"], ["app"], 30)),
    "its members ended": (wanted(APP), engine(seen("app", EXITED), sandbox=DEAD), RemoveSandbox("s0")),
    "init of a former sandbox": (
        wanted(INIT, APP),
        engine(seen("init", EXITED), seen("app", EXITED), sandbox=None),
        Remove(["init-0"]),
    ),
    "a guest comes": (wanted(APP, GUEST), engine(seen("app")), Start("s0", [Launch("look", 0)])),
    "a guest has ended": (wanted(APP, GUEST), engine(seen("app"), seen("look", EXITED)), None),
    "a guest keeps no pod": (
        wanted(NEVER, GUEST),
        engine(seen("app", EXITED), seen("look")),
        Stop(["look-0"], ["look"], 30),
    ),
    "another image": (
        wanted(APP),
        engine(seen("app", spec_hash="old")),
        Stop(["app-0"], ["app"], 30, "definition changed, will be restarted"),
    ),
    "too many dead": (
        wanted(APP),
        engine(seen("app", attempt=2), seen("app", EXITED, 1), seen("app", EXITED, 0)),
        Remove(["app-0"]),
    ),
    "leaving, runs": (wanted(APP, leaving=True, grace_seconds=5), engine(seen("app")), Stop(["app-0"], ["app"], 5)),
    "leaving, sidecar last": (
        wanted(SIDE, APP, leaving=True),
        engine(seen("side"), seen("app")),
        Stop(["side-0", "app-0"], ["side", "app"], 30, turns=[1, 0]),
    ),
    "leaving, sidecars in reverse": (
        wanted(SIDE, replace(SIDE, name="late"), APP, leaving=True),
        engine(seen("side"), seen("late"), seen("app")),
        Stop(["side-0", "late-0", "app-0"], ["side", "late", "app"], 30, turns=[2, 1, 0]),
    ),
    "a rule restarts what would have ended": (
        wanted(replace(NEVER, rules=[Rule("Restart", frozenset({42}))])),
        engine(seen("app", EXITED, 0, 42)),
        Start("s0", [Launch("app", 1)]),
    ),
    "a rule that does not match": (
        wanted(replace(NEVER, rules=[Rule("Restart", frozenset({42}))])),
        engine(seen("app", EXITED, 0, 1)),
        RemoveSandbox("s0"),
    ),
    "a rule for all other codes": (
        wanted(replace(NEVER, rules=[Rule("Restart", frozenset({0}), is_in=False)])),
        engine(seen("app", EXITED, 0, 1)),
        Start("s0", [Launch("app", 1)]),
    ),
    "an init container's rule": (
        wanted(Member("init", "h", True, "Never", rules=[Rule("Restart", frozenset({3}))]), NEVER),
        engine(seen("init", EXITED, 0, 3)),
        Start("s0", [Launch("init", 1)]),
    ),
    "a container's own policy": (
        wanted(NEVER, Member("other", "h", False, "OnFailure")),
        engine(seen("app", EXITED), seen("other", EXITED, 0, 1)),
        Start("s0", [Launch("other", 1)]),
    ),
    "all restart, one runs": (
        wanted(INIT, CALLER, OTHER),
        engine(seen("init", EXITED), seen("app", EXITED, 0, 42), seen("other")),
        Stop(["other-0"], ["other"], 0, RESTARTS_ALL, hooks=False),
    ),
    "all restart, nothing runs": (
        wanted(INIT, CALLER, OTHER),
        engine(seen("init", EXITED), seen("app", EXITED, 0, 42), seen("other", EXITED)),
        Remove(["init-0", "other-0"]),
    ),
    "all restart, who called goes last": (wanted(INIT, CALLER), engine(seen("app", EXITED, 0, 42)), Remove(["app-0"])),
    "all restart, from the beginning": (
        wanted(INIT, CALLER, restarting=True, next_attempts=[("init", 1), ("app", 1)]),
        engine(),
        Start("s0", [Launch("init", 1)]),
    ),
    "leaving, ended": (wanted(APP, leaving=True), engine(seen("app", EXITED)), Remove(["app-0"])),
    "leaving, sandbox": (wanted(APP, leaving=True), engine(), RemoveSandbox("s0")),
    "leaving, nothing": (wanted(APP, leaving=True), engine(sandbox=None), Finish()),
    "ended, and forgotten by the engine": (
        wanted(NEVER, OTHER, ended={"app"}),
        engine(),
        Start("s0", [Launch("other", 0)]),
    ),
    "all ended, and forgotten": (wanted(NEVER, ended={"app"}), engine(), RemoveSandbox("s0")),
    "the API counts further": (wanted(APP, next_attempts=[("app", 4)]), engine(), Start("s0", [Launch("app", 4)])),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_next_step(case: str) -> None:
    want, have, expected = TABLE[case]
    assert step(want, have) == expected


def test_what_is_held_does_not_start() -> None:
    assert step(wanted(APP, OTHER), engine(), {"app"}) == Start("s0", [Launch("other", 0)])
    assert step(wanted(INIT, APP), engine(), {"init"}) is None
    assert step(wanted(APP), engine(sandbox=None), {""}) is None
    assert step(wanted(INIT, CALLER), engine(seen("app", EXITED, 0, 42)), {"app"}) is None


# --- properties -----------------------------------------------------------------------------------------------------

policies = st.sampled_from(["Always", "OnFailure", "Never"])


@st.composite
def wants(draw: st.DrawFn) -> Wanted:
    policy = draw(policies)
    init_policy = "Never" if policy == "Never" else "OnFailure"
    inits = [
        Member(f"i{index}", "h", True, draw(st.sampled_from([init_policy, "Always"])))
        for index in range(draw(st.integers(0, 2)))
    ]
    again, all_again = Rule("Restart", frozenset({7})), Rule("RestartAllContainers", frozenset({7}))
    rules = st.sampled_from([(), (), (again,), (all_again,)])
    apps = [
        Member(f"a{index}", "h", False, policy, rules=draw(rules) if policy == "Never" else ())
        for index in range(draw(st.integers(1, 2)))
    ]
    return Wanted(REF, [*inits, *apps], leaving=draw(st.booleans()), over=draw(st.booleans()))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Wanted, PodSeen]:
    """Anything at all on the engine: several sandboxes, members of any, in any state."""
    want = draw(wants())
    sandboxes = [SandboxSeen(f"s{n}", n, draw(st.booleans()), "10.0.0.1") for n in range(draw(st.integers(0, 2)))]
    containers = []
    for member in want.members:
        for attempt in range(draw(st.integers(0, 3))):
            state = draw(st.sampled_from(list(State)))
            found = ContainerSeen(
                f"{member.name}-{attempt}",
                member.name,
                attempt,
                state,
                "busybox",
                "",
                draw(st.sampled_from(["h", "h", "old"])),
                exit_code=draw(st.sampled_from([0, 1, 7])) if state is EXITED else 0,
                error=draw(st.sampled_from(["", "nope"])) if state is CREATED else "",
                sandbox_id=draw(st.sampled_from(["s0", "s1", "gone"])),
            )
            containers.append(found)
    return want, PodSeen(REF, sorted(sandboxes, key=lambda each: -each.attempt), containers)


class Engine:
    """Carries actions out, and checks that each may be."""

    def __init__(self, want: Wanted, have: PodSeen, succeeds: bool) -> None:
        self.want, self.have, self.succeeds = want, have, succeeds
        self.count = 0

    def apply(self, action: Action) -> None:
        have = self.have
        match action:
            case Stop(ids):
                assert ids
                ended = [
                    replace(each, state=EXITED, exit_code=143) if each.id in ids else each for each in have.containers
                ]
                self.have = replace(have, containers=ended)
            case Remove(ids):
                assert not [each for each in have.containers if each.id in ids and each.state is State.RUNNING]
                self.have = replace(have, containers=[each for each in have.containers if each.id not in ids])
            case RemoveSandbox(id):
                inside = [each for each in have.containers if each.sandbox_id == id]
                assert not [each for each in inside if each.state is State.RUNNING], "a member outlives its sandbox"
                self.have = replace(have, sandboxes=[each for each in have.sandboxes if each.id != id])
            case StartSandbox(attempt):
                assert not have.sandboxes and not [c for c in have.containers if c.state is State.RUNNING]
                self.count += 1
                self.have = replace(have, sandboxes=[SandboxSeen(f"n{self.count}", attempt, True, "10.0.0.2")])
            case Start(sandbox_id, launches):
                self.start(sandbox_id, launches)
            case Finish():
                assert self.want.leaving and not have.containers and not have.sandboxes

    def end_init(self) -> bool:
        """An init container that ran from the beginning ends well."""
        plain = {member.name for member in self.want.members if member.init and not member.sidecar}
        running = [each for each in self.have.containers if each.name in plain and each.state is State.RUNNING]
        self.have = replace(
            self.have,
            containers=[replace(each, state=EXITED) if each in running else each for each in self.have.containers],
        )
        return bool(running)

    def start(self, sandbox_id: str, launches: object) -> None:
        sandbox = current_sandbox(self.have)
        assert sandbox and sandbox.id == sandbox_id, "never a member without a ready sandbox"
        members = {member.name: member for member in self.want.members}
        assert not self.want.leaving and not is_over(self.want, self.have)
        for launch in launches:  # type: ignore[attr-defined]
            member = members[launch.member]
            others = [each for each in self.have.containers if each.name == member.name]
            assert all(each.state is not State.RUNNING for each in others), "one instance at a time"
            assert all(each.attempt < launch.attempt for each in others if is_dead(each))
            ends = member.init and member.policy != "Always"
            state = EXITED if ends or member.policy != "Always" else State.RUNNING
            code = 0 if self.succeeds or member.policy == "OnFailure" else 1
            born = ContainerSeen(
                f"{member.name}-{launch.attempt}-{self.count}",
                member.name,
                launch.attempt,
                state,
                "busybox",
                "",
                member.spec_hash,
                exit_code=code if state is EXITED else 0,
                sandbox_id=sandbox_id,
            )
            kept = [each for each in self.have.containers if (each.name, each.attempt) != (member.name, launch.attempt)]
            self.have = replace(self.have, containers=[*kept, born])


@settings(max_examples=300)
@given(situations(), st.booleans())
def test_from_whatever_is_seen_the_steps_come_to_rest_where_they_should(
    situation: tuple[Wanted, PodSeen], succeeds: bool
) -> None:
    want, have = situation
    world = Engine(want, have, succeeds)
    for _ in range(60):
        action = step(want, world.have)
        if action is None and world.end_init():
            continue
        if action is None or isinstance(action, Finish):
            break
        world.apply(action)
    else:
        raise AssertionError(f"never settles: {world.have}")
    if want.leaving:
        assert isinstance(action, Finish)
    elif is_over(want, world.have):
        assert not world.have.sandboxes
        assert all(is_dead(each) for each in world.have.containers)
    else:
        running = {each.name for each in world.have.containers if each.state is State.RUNNING}
        assert {member.name for member in want.members if member.policy == "Always"} <= running
        assert all(
            each.sandbox_id == current_sandbox(world.have).id
            for each in world.have.containers  # type: ignore[union-attr]
            if each.state is State.RUNNING
        )


@given(situations())
def test_the_machine_asks_for_nothing_that_is_held(situation: tuple[Wanted, PodSeen]) -> None:
    want, have = situation
    held = {"", *(member.name for member in want.members)}
    assert not isinstance(step(want, have, held), Start | StartSandbox)
