"""The status of each container of a pod: its state now, the state before, and how often it was started. Pure.

    newest instance    something waits           state           lastState
    none, none in API  pod leaves or is over     terminated      (none)         ContainerStatusUnknown
    none, none in API  pod stays, or was over
                       before its turn came      waiting         (none)
    none, was running  pod leaves or is over     terminated      (kept)         ContainerStatusUnknown
    none, was running  pod stays                 waiting         terminated     ContainerStatusUnknown
    none, had ended    …                         kept            kept
    running            …                         running         terminated of the instance before
    dead               back-off or start error   waiting         terminated of this instance
    dead               nothing                   terminated      terminated of the instance before

Source: convertToAPIContainerStatuses in k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go, TerminatePod in
status/status_manager.go.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kubelet.machine import Wanted, by_attempt, exit_code_of, has_succeeded, is_dead, restarts
from kubelet.member import Member
from kubelet.memory import Waiting
from kubelet.resources_told import told_resources
from kubelet.runtime import ContainerSeen, PodSeen, State
from podling.api.meta import timestamp

Data = dict[str, Any]
KILLED = 137
ZERO_TIME = "1970-01-01T00:00:00Z"


class Look(NamedTuple):
    pod: Any
    wanted: Wanted
    seen: PodSeen
    old: Data
    waiting: Mapping[str, Waiting]
    readiness: Mapping[str, bool]
    ended: bool
    recursive_read_only: bool = False


def container_statuses(look: Look, containers: Sequence[Any], field: str) -> list[Data]:
    before = {each["name"]: each for each in look.old.get(field) or ()}
    default = Waiting("PodInitializing" if look.pod.spec.initContainers else "ContainerCreating")
    return [_status(look, container, before.get(container.name), default) for container in containers]


def _status(look: Look, container: Any, old: Data | None, default: Waiting) -> Data:
    instances = by_attempt([each for each in look.seen.containers if each.name == container.name])
    started = [each for each in instances if each.state is not State.CREATED or each.error]
    waits = look.waiting.get(container.name)
    if not started:
        return _unseen(look, container, old, waits or default)
    now, before = started[0], started[1] if len(started) > 1 else None
    last = {"terminated": _how_it_ended(before, old)} if before else _kept_last(old, now)
    state: Data
    if now.state is State.RUNNING:
        state = {"running": {"startedAt": timestamp(now.started_at)}}
    elif waits and not look.ended and not look.wanted.over and _comes_again(look, container, now):
        state, last = {"waiting": _waiting(waits)}, {"terminated": _how_it_ended(now, old)}
    else:
        state = {"terminated": _how_it_ended(now, old)}
    return _body(look, container, now, state, last) | _user(now, old)


def _user(now: ContainerSeen, old: Data | None) -> Data:
    """As whom its first process began: what was told of this instance stays."""
    if old and old.get("user") and old.get("containerID") == f"docker://{now.id}":
        return {"user": old["user"]}
    if now.user is None:
        return {}
    return {"user": {"linux": {"uid": now.user.uid, "gid": now.user.gid, "supplementalGroups": [*now.user.groups]}}}


def _comes_again(look: Look, container: Any, dead: ContainerSeen) -> bool:
    """What will not be started again has ended, whatever its memory still holds."""
    return any(each.name == container.name and restarts(each, dead) for each in look.wanted.members)


def _body(look: Look, container: Any, now: ContainerSeen, state: Data, last: Data) -> Data:
    running = now.state is State.RUNNING
    plain_init = any(each.name == container.name and each.init and not each.sidecar for each in look.wanted.members)
    ephemeral = any(each.name == container.name and each.ephemeral for each in look.wanted.members)
    done = now.state is State.EXITED and now.exit_code == 0 and "terminated" in state
    ready = done if plain_init else running and not ephemeral and look.readiness.get(container.name, True)
    status = {
        "name": container.name,
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": now.attempt,
        "image": now.image,
        "imageID": now.image_id,
        "containerID": f"docker://{now.id}",
        "started": running and now.id not in look.wanted.unstarted,
    }
    status |= _told_of_spec(container, look.recursive_read_only)
    return status | told_resources(container, now, plain_init=plain_init, ephemeral=ephemeral)


def _told_of_spec(container: Any, recursive: bool) -> Data:
    """What kubelets repeat of the spec, as the engine was asked for it; `recursive`: it can mount so."""
    mounts = [
        {"name": each.name, "mountPath": each.mountPath}
        | ({"readOnly": True, "recursiveReadOnly": _recursion(each, recursive)} if each.readOnly else {})
        for each in container.volumeMounts or ()
    ]
    lifecycle = getattr(container, "lifecycle", None)
    signal = {"stopSignal": lifecycle.stopSignal} if lifecycle and lifecycle.stopSignal else {}
    return ({"volumeMounts": mounts} if mounts else {}) | signal


def _recursion(mount: Any, engine_can: bool) -> str:
    return "Enabled" if engine_can and mount.recursiveReadOnly in ("Enabled", "IfPossible") else "Disabled"


def _unseen(look: Look, container: Any, old: Data | None, waits: Waiting) -> Data:
    """The engine knows no instance: it was never started, or is gone."""
    fresh = {
        "name": container.name,
        "state": {"waiting": _waiting(waits)},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.image,
        "imageID": "",
        "started": False,
    }
    state = (old or {}).get("state", {})
    if old and "terminated" in state:
        member = next((each for each in look.wanted.members if each.name == container.name), None)
        again = look.wanted.restarting or (member and member.restarts_after(state["terminated"].get("exitCode", 0)))
        if look.wanted.leaving or look.wanted.over or not again:
            return old | {"started": False}
        return {**old, "state": fresh["state"], "lastState": state, "ready": False, "started": False}
    if not old or not old.get("containerID"):
        if look.ended and (look.wanted.leaving or _had_its_turn(look, container.name)):
            return fresh | {"state": {"terminated": _unknown(None)}}
        return fresh
    if look.ended and "running" in state:
        return {**old, "state": {"terminated": _unknown(old)}, "ready": False, "started": False}
    if "running" in state:
        restarts = old.get("restartCount", 0)
        lost = {"lastState": {"terminated": _unknown(old)}, "restartCount": restarts}
        return {**old, **lost, "state": fresh["state"], "ready": False, "started": False}
    return {**old, "state": {"waiting": _waiting(waits)}, "ready": False, "started": False}


def _had_its_turn(look: Look, name: str) -> bool:
    """Whether it may have been started, though nobody knows of it: the first init container always, another where one
    after it is known, an app container when all of these are done."""
    inits = [member for member in look.wanted.members if member.init]
    place = next((at for at, member in enumerate(inits) if member.name == name), None)
    if place is None:
        return all(_is_known(look, member, done=not member.sidecar) for member in inits)
    return place == 0 or any(_is_known(look, member) for member in inits[place + 1 :])


def _is_known(look: Look, init: Member, done: bool = False) -> bool:
    """An instance was started, as far as the engine or the API tells; `done`: and has succeeded."""
    instances = by_attempt([each for each in look.seen.containers if each.name == init.name])
    if instances:
        return not done or has_succeeded(instances[0])
    before: Sequence[Data] = look.old.get("initContainerStatuses") or ()
    told = next((each for each in before if each["name"] == init.name), {})
    return told.get("state", {}).get("terminated", {}).get("exitCode") == 0 if done else bool(told.get("containerID"))


def _unknown(old: Data | None) -> Data:
    found: Data = {
        "exitCode": KILLED,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
    if old:
        found["message"] += ".  The container used to be Running"
        found["containerID"] = old.get("containerID")
    return {key: value for key, value in found.items() if value is not None}


def _kept_last(old: Data | None, now: ContainerSeen) -> Data:
    """The instance before was removed: the API may still tell how it ended."""
    if old is None or now.attempt == 0:
        return {}
    state: Data = old.get("state", {})
    was_earlier = old.get("containerID") != f"docker://{now.id}"
    if was_earlier and "terminated" in state:
        return {"terminated": state["terminated"]}
    return dict(old.get("lastState") or {})


def _waiting(waits: Waiting) -> Data:
    return {"reason": waits.reason} | ({"message": waits.message} if waits.message else {})


def _how_it_ended(dead: ContainerSeen, old: Data | None) -> Data:
    """What was told of its last words stays, when the disk no longer has them."""
    found = _terminated(dead)
    told = [(old or {}).get(name, {}).get("terminated") or {} for name in ("state", "lastState")]
    words = [
        each["message"] for each in told if each.get("containerID") == f"docker://{dead.id}" and each.get("message")
    ]
    if words and "message" not in found:
        found["message"] = words[0]
    return found


def _terminated(ended: ContainerSeen) -> Data:
    found: Data = {"exitCode": exit_code_of(ended), "reason": _reason(ended)}
    if message := ended.termination_message or ended.error:
        found["message"] = message
    found["startedAt"] = timestamp(ended.started_at) if ended.started_at else ZERO_TIME
    found["finishedAt"] = timestamp(ended.finished_at or ended.created_at) if ended.created_at else ZERO_TIME
    return found | {"containerID": f"docker://{ended.id}"}


def _reason(ended: ContainerSeen) -> str:
    if ended.state is State.CREATED:
        return "StartError"
    if ended.oom_killed:
        return "OOMKilled"
    return "Completed" if ended.exit_code == 0 and is_dead(ended) else "Error"
