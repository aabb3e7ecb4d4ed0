"""What the kubelet keeps in mind about one pod between two looks.

Nothing here decides what is right, only when to try again and what to say meanwhile: a kubelet that is killed loses it
and still brings every pod to the same end, it only starts the waits anew, as Kubernetes' does.
Source of the delays: k8s.io/kubernetes/pkg/kubelet, k8s.io/client-go/util/flowcontrol.Backoff.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from kubelet.machine import Wanted, is_dead, newest, restarts
from kubelet.resize import Resize
from kubelet.runtime import PodRef, PodSeen

FIRST_DELAY_SECONDS = 10.0
MOST_DELAY_SECONDS = 300.0
RESET_SECONDS = 2 * MOST_DELAY_SECONDS
FIRST_REASON_SECONDS = 2.0  # how long kubectl shows ErrImagePull before ImagePullBackOff


class Waiting(NamedTuple):
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a member may not start before `until` (None: until somebody lets it go), and what kubectl shows: `shown`
    at first, `later` after a moment; None is the ordinary ContainerCreating."""

    since: datetime
    until: datetime | None
    shown: Waiting | None = None
    later: Waiting | None = None

    def waiting(self, now: datetime) -> Waiting | None:
        if self.later and now >= self.turns_at:
            return self.later
        return self.shown

    @property
    def turns_at(self) -> datetime:
        return self.since + timedelta(seconds=FIRST_REASON_SECONDS)


class Delay(NamedTuple):
    seconds: float
    set_at: datetime


@dataclass
class Delays:
    """`first` seconds doubling to `most` a key; forgotten when all went well for 10 min."""

    first: float = FIRST_DELAY_SECONDS
    most: float = MOST_DELAY_SECONDS
    by_key: dict[str, Delay] = field(default_factory=dict)

    def grow(self, key: str, now: datetime) -> float:
        """One more try of `key`: the seconds that must pass before the next."""
        old = self.by_key.get(key)
        if old is None or (now - old.set_at).total_seconds() > RESET_SECONDS:
            seconds = self.first
        else:
            seconds = min(old.seconds * 2, self.most)
        self.by_key[key] = Delay(seconds, now)
        return seconds

    def until(self, key: str, failed_at: datetime) -> datetime | None:
        """When `key` may be tried again after it failed then; None is at once."""
        delay = self.by_key.get(key)
        if delay is None or (failed_at - delay.set_at).total_seconds() > RESET_SECONDS:
            return None
        return failed_at + timedelta(seconds=delay.seconds)


class Failure(NamedTuple):
    """The kubelet itself ended the pod: DeadlineExceeded, Evicted, … `grace_seconds` is less than the pod's own where
    there is no time for that; `conditions` are set on the pod with it: DisruptionTarget. `rejected`: the node never
    took the pod, so there is no container to tell of."""

    reason: str
    message: str
    grace_seconds: int | None = None
    conditions: tuple[Mapping[str, str], ...] = ()  # type, status, reason, message
    rejected: bool = False


@dataclass
class Memory:
    crashes: Delays = field(default_factory=Delays)
    pulls: Delays = field(default_factory=Delays)
    failures: Delays = field(default_factory=lambda: Delays(first=1.0, most=120.0))  # of volumes and sandbox
    holds: dict[str, Hold] = field(default_factory=dict)
    sandbox_attempt: int = 0
    resize: Resize = field(default_factory=Resize)
    failure: Failure | None = None
    admitted: bool = False  # the node has taken the pod
    volumes_at: datetime | None = None  # when the volumes were last brought up to date
    volumes_stale: bool = False  # a config map or a secret of theirs has changed since
    news: int = 0  # how often one of the pod's config maps and secrets has changed, come or gone
    volumes_gone: bool = False  # the pod is over and needs them no more
    told: set[str] = field(default_factory=set)  # events that are told once a pod

    def held(self, wanted: Wanted, seen: PodSeen, now: datetime) -> set[str]:
        """What may not start now, in the machine's terms."""
        held = {name for name, hold in self.holds.items() if hold.until is None or hold.until > now}
        return held | set(self.crashing(wanted, seen, now))

    def crashing(self, wanted: Wanted, seen: PodSeen, now: datetime) -> Mapping[str, datetime]:
        """Members in CrashLoopBackOff, and until when. A clock that was turned back makes no wait longer."""
        found: dict[str, datetime] = {}
        for member in wanted.members:
            last = newest(seen, member.name)
            if last is None or not is_dead(last) or not restarts(member, last):
                continue
            ended_at = min(last.finished_at or last.created_at or now, now)
            until = self.crashes.until(member.name, ended_at)
            if until and until > now:
                found[member.name] = until
        return found

    def waiting(self, wanted: Wanted, seen: PodSeen, now: datetime) -> Mapping[str, Waiting]:
        """What kubectl shows of members that wait."""
        found = {
            name: Waiting("CrashLoopBackOff", self.crash_message(wanted.ref, name))
            for name in self.crashing(wanted, seen, now)
        }
        for name, hold in self.holds.items():
            if shown := hold.waiting(now):
                found[name] = shown
        return found

    def crash_message(self, ref: PodRef, name: str) -> str:
        pod = f"{ref.name}_{ref.namespace}({ref.uid})"
        return f"back-off {spell(self.crashes.by_key[name].seconds)} restarting failed container={name} pod={pod}"

    def next_look(self, wanted: Wanted, seen: PodSeen, now: datetime) -> float | None:
        """Seconds until something here ends or turns."""
        times = [hold.until for hold in self.holds.values() if hold.until]
        times += [hold.turns_at for hold in self.holds.values() if hold.later]
        times += self.crashing(wanted, seen, now).values()
        ahead = [(at - now).total_seconds() for at in times if at > now]
        return min(ahead) if ahead else None

    def release(self, now: datetime) -> None:
        """Drop the holds that have ended."""
        self.holds = {name: hold for name, hold in self.holds.items() if hold.until is None or hold.until > now}


def spell(seconds: float) -> str:
    """A duration as Go prints it: `10s`, `1m20s`, `5m0s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
