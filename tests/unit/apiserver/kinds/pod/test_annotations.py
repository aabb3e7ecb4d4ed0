"""What annotations say of a pod's containers, beside the fields that say the same."""

from typing import Any

import pytest

from apiserver.kinds.pod import POD


def test_annotations_speak_of_containers_that_are_there(make_pod: Any):
    pod = make_pod()
    pod["metadata"]["annotations"] = {
        "controller.kubernetes.io/pod-deletion-cost": "dear",
        "container.apparmor.security.beta.kubernetes.io/none": "odd",
        "seccomp.security.alpha.kubernetes.io/pod": "localhost/../x",
    }
    path = "metadata.annotations"
    assert [str(error) for error in POD.validate(pod)] == [
        f'{path}[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "dear": must be a 32bit integer',
        f"{path}.seccomp.security.alpha.kubernetes.io/pod: Invalid value: \"../x\": must not contain '..'",
        f'{path}[container.apparmor.security.beta.kubernetes.io/none]: Invalid value: "none": container not found',
        f'{path}[container.apparmor.security.beta.kubernetes.io/none]: Invalid value: "odd": '
        'invalid AppArmor profile name: "odd"',
    ]


@pytest.mark.parametrize(
    ("noun", "profile", "said", "wrong"),
    [
        ("seccomp", {"type": "RuntimeDefault"}, "docker/default", None),
        ("seccomp", {"type": "RuntimeDefault"}, "unconfined", "type"),
        ("seccomp", {"type": "Localhost", "localhostProfile": "a"}, "localhost/a", None),
        ("seccomp", {"type": "Localhost", "localhostProfile": "a"}, "localhost/b", "localhostProfile"),
        ("apparmor", {"type": "Unconfined"}, "unconfined", None),
        ("apparmor", {"type": "Unconfined"}, "localhost/a", "type"),
        ("apparmor", {"type": "Localhost", "localhostProfile": "a"}, "localhost/b", "localhostProfile"),
    ],
)
def test_profiles_of_annotations_are_those_of_fields(
    make_pod: Any, noun: str, profile: Any, said: str, wrong: str | None
):
    alpha = "seccomp.security.alpha" if noun == "seccomp" else "apparmor.security.beta"
    name = "seccompProfile" if noun == "seccomp" else "appArmorProfile"
    pod = make_pod({"securityContext": {name: profile}})
    pod["metadata"]["annotations"] = {f"container.{alpha}.kubernetes.io/app": said}
    what = "type" if wrong == "type" else "profile"
    path = f"spec.containers[0].securityContext.{name}.{wrong}"
    expected = [f"{path}: Forbidden: {noun} {what} in annotation and field must match"] if wrong else []
    assert [str(error) for error in POD.validate_create(pod)] == expected
