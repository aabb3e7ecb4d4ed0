"""Security contexts: the pod's under the container's own, and what the engine is told of them."""

from pathlib import Path
from typing import Any

import pytest

from kubelet.docker.facts import EngineFacts
from kubelet.docker.security import options, security_config
from kubelet.environment import ConfigError
from kubelet.runtime import ImageSeen, Security
from kubelet.seccomp_profiles import SeccompProfiles
from kubelet.security import security_of

from .build import typed_pod

ENGINE = EngineFacts(security=frozenset({"seccomp", "apparmor", "selinux"}))


def security(own: dict[str, Any] | None = None, image: str = "", **whole: Any) -> Security:
    pod = typed_pod([{"name": "app", **({"securityContext": own} if own else {})}], securityContext=whole or None)
    return security_of(pod, pod.spec.containers[0], ImageSeen("sha256:1", image))


def test_the_container_wins_over_the_pod() -> None:
    pod = {"runAsUser": 1000, "runAsGroup": 100, "fsGroup": 7, "supplementalGroups": [5, 7]}
    found = security({"runAsUser": 2000}, **pod)
    assert (found.user, found.groups, found.strict_groups) == ("2000:100", [5, 7], False)
    assert security({"runAsGroup": 3}, "www").user == "www:3"
    assert security().user == "" and security(supplementalGroupsPolicy="Strict").strict_groups
    selinux = security({"seLinuxOptions": {"level": "s0:c1"}}, seLinuxOptions={"user": "u"})
    assert selinux.selinux == ["level:s0:c1"]


def test_what_the_container_may_do() -> None:
    found = security({
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "procMount": "Unmasked",
    })  # fmt: skip
    host = security_config(found, ENGINE)
    assert (host["CapAdd"], host["CapDrop"], host["ReadonlyRootfs"]) == (["NET_ADMIN"], ["ALL"], True)
    assert (host["MaskedPaths"], host["ReadonlyPaths"]) == ([], [])
    assert "no-new-privileges" in host["SecurityOpt"] and not host["Privileged"]
    assert "MaskedPaths" not in security_config(security(), ENGINE)


LOCALHOST = {"type": "Localhost", "localhostProfile": "p/audit.json"}


@pytest.mark.parametrize(
    ("own", "whole", "told"),
    [
        ({}, {}, ["seccomp=unconfined"]),
        ({}, {"seccompProfile": {"type": "RuntimeDefault"}}, []),
        ({"seccompProfile": {"type": "Unconfined"}}, {"seccompProfile": LOCALHOST}, ["seccomp=unconfined"]),
        ({"seccompProfile": LOCALHOST}, {}, ["seccomp={}"]),
        ({}, {"appArmorProfile": {"type": "RuntimeDefault"}}, ["seccomp=unconfined"]),
        ({}, {"appArmorProfile": {"type": "Unconfined"}}, ["seccomp=unconfined", "apparmor=unconfined"]),
        ({"appArmorProfile": LOCALHOST}, {}, ["seccomp=unconfined", "apparmor=p/audit.json"]),
        (
            {},
            {"seLinuxOptions": {"user": "u", "role": "r", "type": "t", "level": "s0"}},
            ["seccomp=unconfined", "label=user:u", "label=role:r", "label=type:t", "label=level:s0"],
        ),
        (
            {"privileged": True},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            ["seccomp=unconfined", "apparmor=unconfined"],
        ),
    ],
)  # fmt: skip
def test_profiles_and_labels_are_told_to_the_engine(own: Any, whole: Any, told: list[str]) -> None:
    assert options(security(own, **whole), ENGINE, "{}") == told


def test_the_nodes_owner_may_give_everybody_the_engines_seccomp_profile() -> None:
    pod = typed_pod([{"name": "app"}, {"name": "own", "securityContext": {"seccompProfile": {"type": "Unconfined"}}}])
    image, (app, own) = ImageSeen("sha256:1", ""), pod.spec.containers
    assert options(security_of(pod, app, image, seccomp_default=True), ENGINE) == []
    assert options(security_of(pod, own, image, seccomp_default=True), ENGINE) == ["seccomp=unconfined"]


def test_an_engine_without_apparmor_and_selinux_is_told_nothing_of_them() -> None:
    whole = {"seLinuxOptions": {"user": "u"}, "appArmorProfile": {"type": "Unconfined"}}
    assert options(security(**whole), EngineFacts()) == ["seccomp=unconfined"]


def test_a_privileged_container_sees_the_hosts_cgroups_where_others_would_have_their_own() -> None:
    made = security_config(security({"privileged": True}), EngineFacts(cgroup_version=2))
    assert made["Privileged"] and made["CgroupnsMode"] == "host"
    assert "CgroupnsMode" not in security_config(security({"privileged": True}), EngineFacts(cgroup_version=1))
    assert "CgroupnsMode" not in security_config(security(), EngineFacts(cgroup_version=2))


def test_pods_share_the_hosts_users_on_an_engine_that_remaps_them() -> None:
    assert security_config(security(), EngineFacts(security=frozenset({"userns"})))["UsernsMode"] == "host"
    assert security_config(security(), EngineFacts())["UsernsMode"] == ""


@pytest.mark.parametrize(
    ("user", "image_user", "message"),
    [
        (0, "", "container's runAsUser breaks non-root policy"),
        (None, "", "container has runAsNonRoot and image will run as root"),
        (None, "0:0", "container has runAsNonRoot and image will run as root"),
        (
            None,
            "www",
            "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root",
        ),
    ],
)
def test_a_container_that_would_be_root_is_refused(user: int | None, image_user: str, message: str) -> None:
    context = {"runAsNonRoot": True} | ({} if user is None else {"runAsUser": user})
    with pytest.raises(ConfigError) as told:
        security(context, image_user)
    assert str(told.value) == f'{message} (pod: "web_default(uid-web)", container: app)'
    with pytest.raises(ConfigError):
        security(None if user is None else {"runAsUser": user}, image_user, runAsNonRoot=True)


def test_a_container_that_is_not_root_is_let() -> None:
    assert security({"runAsNonRoot": True}, "1000:1000").user == ""
    assert security({"runAsNonRoot": False}, "").user == ""


def test_seccomp_profiles_are_files_of_the_node(tmp_path: Path) -> None:
    profiles = SeccompProfiles(tmp_path)
    (tmp_path / "seccomp/p").mkdir(parents=True)
    (tmp_path / "seccomp/p/audit.json").write_text("{}")
    (tmp_path / "secret").write_text("x")
    found = security({"seccompProfile": LOCALHOST})
    assert profiles.text(found.seccomp) == "{}" and profiles.text("unconfined") == ""
    with pytest.raises(OSError, match=r"cannot load seccomp profile .*nope\.json: no such file or directory"):
        profiles.text("localhost/nope.json")
    for escape in ("localhost/../secret", "localhost//etc/passwd"):
        with pytest.raises(OSError, match="it must be below"):
            profiles.text(escape)
