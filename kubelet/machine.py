"""What to do next about one pod, decided without a clock, a socket or an await.

    pod is …      seen on the engine                          → action
    ───────────────────────────────────────────────────────────────────────────────────
    leaving       members run                                 → Stop       (all, sidecars in their turn)
    (deleted or   members are there                           → Remove
     gone)        a sandbox is there                          → RemoveSandbox
                  nothing                                     → Finish
    over          members run                                 → Stop
    (nothing may  a sandbox is there                          → RemoveSandbox
     run again)   more dead instances than kept               → Remove
    alive         a rule restarts all: members run            → Stop       (without hooks)
                                       members are there      → Remove     (who called for it last)
                  a member outlives its sandbox, or its heir  → Stop
                  a dead sandbox                              → RemoveSandbox
                  init instances of a former sandbox          → Remove
                  no sandbox                                  → StartSandbox
                  a member runs another image than wanted     → Stop
                  a probe has given a member up               → Stop
                  a member's limits changed                   → LimitContainer, or Stop where its policy says so
                  the pod's limits changed                    → LimitPod   (before or after, as its members need it)
                  the next init container is not done         → Start      (one by one; a sidecar need only run)
                  members do not run that should              → Start      (all that nothing holds, together)
                  more dead instances than kept               → Remove
    any           else                                        → None: settled until something changes

`step` is asked again after every action, with what is then seen, so the kubelet may be killed between any two. What
must wait (a crash loop's back-off, an image on its way) is told by `held`. An instance is one container of a member; a
"dead" one has exited, or could not be started.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from kubelet.cgroups.limits import PodLimits
from kubelet.member import ALL, Member
from kubelet.runtime import ContainerSeen, PodRef, PodSeen, SandboxSeen, State
from kubelet.sizes import Applied, LimitContainer, LimitPod, must_restart, next_limit, outsized

RESIZE = "/resize"  # in `held`: limits may not be changed now
SANDBOX = ""  # in `held`: the pod as a whole may not start now
RESTARTS_ALL = "is restarted with all others, as a restart policy rule says"
NOT_STARTED = 128  # the exit code that Kubernetes shows for what the engine could not start
KEPT_DEAD = 1  # former instances kept a member, for `kubectl logs --previous`


@dataclass(frozen=True, slots=True)
class Wanted:
    """`members` in the order of the spec, init containers first. `next_attempts`: the least attempt of a new instance
    where the engine remembers none, from the API's restart counts."""

    ref: PodRef
    members: Sequence[Member] = ()
    leaving: bool = False
    over: bool = False
    grace_seconds: int = 30
    sandbox_attempt: int = 0
    next_attempts: Sequence[tuple[str, int]] = ()
    ended: AbstractSet[str] = frozenset()  # app members that ended for good, as far as the API knows
    failing: Sequence["Failing"] = ()
    restarting: bool = False  # all containers, as a rule asked for: what had ended has not
    pod_limits: PodLimits | None = None  # of the pod's own cgroup, where it has one
    applied: Applied = frozenset()  # limits that the engine took in this kubelet's life
    pod_limited: PodLimits | None = None  # what that was last limited to, as far as is known
    unstarted: AbstractSet[str] = frozenset()  # instances that run, but whose startup probe has not succeeded yet


class Failing(NamedTuple):
    """An instance that a probe has given up: which probe, and its own grace period where it has one."""

    id: str
    probe: str
    grace_seconds: int | None = None


class Launch(NamedTuple):
    member: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    """`members` are the containers' names, beside their ids; `turns` say who waits for whom: one is told to end when
    all of a lower turn have ended. `why` is for the pod's owner; `hooks`: those before the stop are run."""

    ids: Sequence[str]
    members: Sequence[str]
    grace_seconds: int
    why: str = ""
    turns: Sequence[int] = ()
    hooks: bool = True


@dataclass(frozen=True, slots=True)
class Remove:
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    id: str


@dataclass(frozen=True, slots=True)
class StartSandbox:
    attempt: int


@dataclass(frozen=True, slots=True)
class Start:
    sandbox_id: str
    launches: Sequence[Launch]


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing of the pod is left on the engine: it may leave the API."""


Action = Stop | Remove | RemoveSandbox | StartSandbox | LimitContainer | LimitPod | Start | Finish


def step(wanted: Wanted, seen: PodSeen, held: AbstractSet[str] = frozenset()) -> Action | None:
    if wanted.leaving:
        return _leave(wanted, seen)
    if is_over(wanted, seen):
        return _retire(wanted, seen)
    if calls := calling_for_all(wanted, seen):
        return _restart_all(seen, calls, held)
    sandbox = current_sandbox(seen)
    if action := _tidy(wanted, seen, sandbox):
        return action
    if sandbox is None:
        return None if SANDBOX in held else StartSandbox(_next_sandbox(wanted, seen))
    return (
        _change_image(wanted, seen)
        or _end_failing(wanted, seen)
        or _resize(wanted, seen, held)
        or _start(wanted, seen, sandbox, held)
        or _prune(seen)
    )


def _leave(wanted: Wanted, seen: PodSeen) -> Action:
    if action := _stop_all(wanted, seen):
        return action
    if seen.containers:
        return Remove([container.id for container in seen.containers])
    if seen.sandboxes:
        return RemoveSandbox(seen.sandboxes[0].id)
    return Finish()


def _retire(wanted: Wanted, seen: PodSeen) -> Action | None:
    if action := _stop_all(wanted, seen):
        return action
    if seen.sandboxes:
        return RemoveSandbox(seen.sandboxes[0].id)
    half_made = [container.id for container in seen.containers if not is_dead(container)]
    return Remove(half_made) if half_made else _prune(seen)


def _restart_all(seen: PodSeen, calls: Sequence[str], held: AbstractSet[str]) -> Action | None:
    """As a pod that starts, in the sandbox that is there. Who called for it goes last: until then it still calls."""
    if action := _stop(seen.containers, 0, RESTARTS_ALL, hooks=False):
        return action
    others = [each.id for each in seen.containers if each.id not in calls]
    callers = [each for each in seen.containers if each.id in calls]
    if not others and any(each.name in held for each in callers):
        return None
    return Remove(others or calls)


def _tidy(wanted: Wanted, seen: PodSeen, sandbox: SandboxSeen | None) -> Action | None:
    """Whatever is left of a former sandbox goes before anything starts."""
    strangers = [each for each in seen.containers if sandbox is None or each.sandbox_id != sandbox.id]
    superseded = [each for each in seen.containers if each is not newest(seen, each.name)]
    if action := _stop([*strangers, *(each for each in superseded if each not in strangers)], wanted.grace_seconds):
        return action
    for dead in seen.sandboxes:
        if dead is not sandbox:
            return RemoveSandbox(dead.id)
    init = {member.name for member in wanted.members if member.init}
    useless = [each.id for each in strangers if each.name in init or not is_dead(each)]
    return Remove(useless) if useless else None


def _change_image(wanted: Wanted, seen: PodSeen) -> Action | None:
    hashes = {member.name: member.spec_hash for member in wanted.members}
    changed = [each for each in seen.containers if hashes.get(each.name, each.spec_hash) != each.spec_hash]
    return _stop(changed, wanted.grace_seconds, "definition changed, will be restarted")


def _end_failing(wanted: Wanted, seen: PodSeen) -> Action | None:
    members = {member.name: member for member in wanted.members}
    for each in wanted.failing:
        grace = wanted.grace_seconds if each.grace_seconds is None else each.grace_seconds
        found = [container for container in seen.containers if container.id == each.id]
        ends = [members[container.name].policy == "Never" for container in found if container.name in members]
        why = f"failed {each.probe} probe" + ("" if all(ends) else ", will be restarted")
        if action := _stop(found, grace, why):
            return action
    return None


def _resize(wanted: Wanted, seen: PodSeen, held: AbstractSet[str]) -> Action | None:
    if RESIZE in held:
        return None
    due = outsized(wanted.members, seen, wanted.applied)
    restarting = [each for member, each in due if must_restart(member, each)]
    stopping = _stop(restarting, wanted.grace_seconds, "resize requires restart")
    return stopping or next_limit(wanted.pod_limits, wanted.pod_limited, due)


def _start(wanted: Wanted, seen: PodSeen, sandbox: SandboxSeen, held: AbstractSet[str]) -> Action | None:
    begun = _has_begun(wanted, seen, sandbox)
    inits = [
        member
        for member in wanted.members
        if member.init and not _has_passed(wanted, member, newest(seen, member.name, sandbox), begun)
    ]
    if inits and not begun:
        last = newest(seen, inits[0].name, sandbox)
        due = [] if last and last.state is State.RUNNING else inits[:1]  # a sidecar that runs is not started yet
    else:
        apps = (member for member in wanted.members if not member.init)
        sidecars = [each for each in inits if not _runs(newest(seen, each.name, sandbox))]
        due = sidecars + [member for member in apps if _is_due(wanted, member, newest(seen, member.name))]
    launches = [_launch(wanted, seen, member) for member in due if member.name not in held]
    return Start(sandbox.id, launches) if launches else None


def _has_begun(wanted: Wanted, seen: PodSeen, sandbox: SandboxSeen) -> bool:
    """An app container exists in this sandbox, so every init container was done, whatever is left of them."""
    apps = {member.name for member in wanted.members if not member.init and not member.ephemeral}
    return any(each.name in apps and each.sandbox_id == sandbox.id for each in seen.containers)


def _has_passed(wanted: Wanted, member: Member, last: ContainerSeen | None, begun: bool) -> bool:
    if member.sidecar:
        return last is not None and _runs(last) and last.id not in wanted.unstarted
    return begun or (last is not None and has_succeeded(last))


def _runs(container: ContainerSeen | None) -> bool:
    return container is not None and container.state is State.RUNNING


def _is_due(wanted: Wanted, member: Member, last: ContainerSeen | None) -> bool:
    if last is None:
        return member.name not in wanted.ended
    return last.state is not State.RUNNING and not _has_ended(wanted, member, last)


def _has_ended(wanted: Wanted, member: Member, last: ContainerSeen | None) -> bool:
    """For good. Where somebody removed the dead container, the API may still know that it ended."""
    if last is None:
        return member.name in wanted.ended
    return is_dead(last) and not restarts(member, last)


def _launch(wanted: Wanted, seen: PodSeen, member: Member) -> Launch:
    last = newest(seen, member.name)
    least = dict(wanted.next_attempts).get(member.name, 0)
    if last is None:
        return Launch(member.name, least)
    if not is_dead(last) and last.state is State.CREATED:
        return Launch(member.name, last.attempt)  # the kubelet ended between create and start: go on with it
    return Launch(member.name, max(last.attempt + 1, least))


def _prune(seen: PodSeen) -> Action | None:
    """Of each member the newest instance stays, and `KEPT_DEAD` before it."""
    kept: dict[str, int] = {}
    old = []
    for each in by_attempt(seen.containers):
        kept[each.name] = kept.get(each.name, 0) + 1
        if kept[each.name] > 1 + KEPT_DEAD and is_dead(each):
            old.append(each.id)
    return Remove(old) if old else None


def _stop_all(wanted: Wanted, seen: PodSeen) -> Action | None:
    """Sidecars after all others, and in reverse of their order."""
    sidecars = [member.name for member in wanted.members if member.sidecar]
    turns = {name: turn for turn, name in enumerate(reversed(sidecars), start=1)}
    return _stop(seen.containers, wanted.grace_seconds, turns=turns)


def _stop(
    containers: Iterable[ContainerSeen],
    grace_seconds: int,
    why: str = "",
    *,
    turns: Mapping[str, int] = MappingProxyType({}),
    hooks: bool = True,
) -> Action | None:
    running = [each for each in containers if each.state is State.RUNNING]
    if not running:
        return None
    ids, names = [each.id for each in running], [each.name for each in running]
    waits = [turns.get(name, 0) for name in names]
    return Stop(ids, names, grace_seconds, why, waits if any(waits) else (), hooks)


def _next_sandbox(wanted: Wanted, seen: PodSeen) -> int:
    return max([wanted.sandbox_attempt, *(sandbox.attempt + 1 for sandbox in seen.sandboxes)])


def is_over(wanted: Wanted, seen: PodSeen) -> bool:
    """Nothing of the pod may run again: told so, or each app container has ended for good, or an init container has."""
    if wanted.over:
        return True
    ends = [(member, newest(seen, member.name)) for member in wanted.members]
    if any(member.init and last and is_dead(last) and _has_failed_for_good(member, last) for member, last in ends):
        return True
    apps = [_has_ended(wanted, member, last) for member, last in ends if not member.init and not member.ephemeral]
    return bool(apps) and all(apps)


def _has_failed_for_good(member: Member, last: ContainerSeen) -> bool:
    return not has_succeeded(last) and not restarts(member, last)


def restarts(member: Member, dead: ContainerSeen) -> bool:
    """Whether a dead instance is followed by another; one that was stopped for its new image or size always is."""
    stopped = dead.spec_hash != member.spec_hash or (dead.state is State.EXITED and must_restart(member, dead))
    return stopped or member.restarts_after(exit_code_of(dead))


def exit_code_of(dead: ContainerSeen) -> int:
    return NOT_STARTED if dead.error and not dead.exit_code else dead.exit_code


def calling_for_all(wanted: Wanted, seen: PodSeen) -> Sequence[str]:
    """The ids of dead instances by whose rules all containers of the pod start anew."""
    newest_of = ((member, newest(seen, member.name)) for member in wanted.members)
    dead = ((member, last) for member, last in newest_of if last and is_dead(last))
    rules = ((last.id, member.rule(exit_code_of(last))) for member, last in dead)
    return [id for id, rule in rules if rule and rule.action == ALL]


def is_dead(container: ContainerSeen) -> bool:
    return container.state is State.EXITED or (container.state is State.CREATED and bool(container.error))


def has_succeeded(container: ContainerSeen) -> bool:
    return container.state is State.EXITED and container.exit_code == 0 and not container.error


def current_sandbox(seen: PodSeen) -> SandboxSeen | None:
    ready = [sandbox for sandbox in seen.sandboxes if sandbox.ready]
    return max(ready, key=lambda sandbox: sandbox.attempt) if ready else None


def newest(seen: PodSeen, name: str, sandbox: SandboxSeen | None = None) -> ContainerSeen | None:
    """The last instance of a member, of one sandbox or of any."""
    found = [
        each for each in seen.containers if each.name == name and (sandbox is None or each.sandbox_id == sandbox.id)
    ]
    return max(found, key=lambda each: each.attempt) if found else None


def by_attempt(containers: Iterable[ContainerSeen]) -> Sequence[ContainerSeen]:
    """Newest first."""
    return sorted(containers, key=lambda each: -each.attempt)
