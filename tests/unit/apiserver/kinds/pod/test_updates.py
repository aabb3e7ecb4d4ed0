"""What of a pod may change. Words: golden core-pod-updates, core-pod-subresources."""

from copy import deepcopy
from typing import Any

import pytest

from apiserver.kinds.pod import POD


def change(pod: dict[str, Any], **spec: Any) -> tuple[dict[str, Any], list[str]]:
    new = deepcopy(pod)
    new["spec"].update(spec)
    return new, [str(error) for error in POD.validate_update(new, pod)]


def test_images_deadlines_and_more_tolerations_are_fine(make_pod: Any):
    pod = make_pod(tolerations=[{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}])
    containers = [{**pod["spec"]["containers"][0], "image": "nginx:1.28"}]
    tolerations = [{**pod["spec"]["tolerations"][0], "tolerationSeconds": 30}, {"key": "b", "operator": "Exists"}]
    assert change(pod, containers=containers, tolerations=tolerations, activeDeadlineSeconds=5)[1] == []


def test_anything_else_is_refused_with_the_difference(make_pod: Any):
    (message,) = change(make_pod(), hostname="x")[1]
    head, _, difference = message.partition("\n")
    assert head.startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,")
    assert difference == (
        '@@ -64,7 +64,7 @@\n   "SELinuxChangePolicy": null\n  },\n  "ImagePullSecrets": null,\n- "Hostname": "",\n'
        '+ "Hostname": "x",\n  "Subdomain": "",\n  "SetHostnameAsFQDN": null,\n  "Affinity": null,\n'
    )


def test_containers_may_not_come_or_go(make_pod: Any):
    pod = make_pod()
    more = [*pod["spec"]["containers"], {"name": "b", "image": "x"}]
    assert change(pod, containers=more)[1] == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


@pytest.mark.parametrize(
    ("was", "now", "errors"),
    [
        (None, 100, []),
        (100, 50, []),
        (50, 60, ["spec.activeDeadlineSeconds: Invalid value: 60: must be less than or equal to previous value"]),
        (
            50,
            None,
            ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"],
        ),
    ],
)
def test_a_deadline_may_appear_and_shrink(make_pod: Any, was: int | None, now: int | None, errors: list[str]):
    pod = make_pod(**({} if was is None else {"activeDeadlineSeconds": was}))
    new = deepcopy(pod)
    new["spec"].pop("activeDeadlineSeconds", None)
    if now is not None:
        new["spec"]["activeDeadlineSeconds"] = now
    assert [str(error) for error in POD.validate_update(new, pod)] == errors


def test_tolerations_may_not_be_taken_away(make_pod: Any):
    pod = make_pod(tolerations=[{"key": "a", "operator": "Exists"}])
    assert change(pod, tolerations=[])[1] == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_gates_only_go_and_while_they_stand_a_selector_may_grow(make_pod: Any):
    pod = make_pod(schedulingGates=[{"name": "hold"}], nodeSelector={"disk": "ssd"})
    assert change(pod, schedulingGates=[{"name": "hold"}, {"name": "other"}])[1] == [
        "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'other'"
    ]
    assert change(pod, nodeSelector={"disk": "ssd", "zone": "a"})[1] == []
    assert change(pod, nodeSelector={"disk": "hdd"})[1] == [
        'spec.nodeSelector: Invalid value: {"disk":"hdd"}: '
        "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
    ]
    free = make_pod(nodeSelector={"disk": "ssd"})
    assert change(free, nodeSelector={"disk": "ssd", "zone": "a"})[1][0].startswith(
        "spec: Forbidden: pod updates may not"
    )


def through(path: str, pod: dict[str, Any], new: dict[str, Any]) -> list[str]:
    sub = POD.subresource(path)
    assert sub is not None and sub.prepare_update is not None
    sub.prepare_update(new, pod)
    return [str(error) for error in sub.validate_update(new, pod)]


def test_the_status_path_changes_status_alone(make_pod: Any):
    pod = make_pod()
    new = deepcopy(pod)
    new["spec"]["hostname"] = "ignored"
    new["status"] = {"phase": "Running", "podIP": "10.1.2.3"}
    POD.default(new)
    assert through("status", pod, new) == []
    assert new["spec"] == pod["spec"]
    assert new["status"]["podIPs"] == [{"ip": "10.1.2.3"}]
    assert new["status"]["qosClass"] == "BestEffort"


def test_addresses_are_addresses_and_the_older_field_counts(make_pod: Any):
    pod = make_pod()
    new = deepcopy(pod)
    new["status"] = {"podIP": "not-an-ip", "podIPs": [{"ip": "10.1.2.3"}]}
    POD.default(new)
    assert through("status", pod, new) == [
        'status.podIPs[0]: Invalid value: "not-an-ip": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
    ]


def test_the_status_path_keeps_what_a_writer_leaves_out(make_pod: Any):
    pod = make_pod()
    pod["status"] |= {"observedGeneration": 3, "conditions": [{"type": "Ready", "observedGeneration": 2}]}
    new = deepcopy(pod)
    new["status"] = {"conditions": [{"type": "Ready"}, {"type": "Ready"}]}
    assert through("status", pod, new) == []
    assert new["status"] == {
        "qosClass": "BestEffort",
        "observedGeneration": 3,
        "conditions": [{"type": "Ready", "observedGeneration": 2}, {"type": "Ready"}],
    }


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        ({"qosClass": "Guaranteed"}, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']),
        (
            {"observedGeneration": -1, "conditions": [{"type": "a b", "observedGeneration": -2}]},
            [
                "metadata.conditions[0].observedGeneration: Invalid value: -2: must be a non-negative integer",
                'metadata.conditions[0].Type: Invalid value: "a b": name part must consist',
                "status.observedGeneration: Invalid value: -1: must be a non-negative integer",
            ],
        ),
        (
            {"nominatedNodeName": "n2"},
            ["status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"],
        ),
        (
            {"resourceClaimStatuses": [{"name": "x"}]},
            [
                'status.resourceClaimStatuses[0].name: Invalid value: "x": '
                "must match the name of an entry in `spec.resourceClaims`"
            ],
        ),
        (
            {"extendedResourceClaimStatus": {"requestMappings": [{"containerName": "x", "requestName": "r"}]}},
            [
                'status.extendedResourceClaimStatus.requestMappings[0].containerName: Invalid value: "x": '
                "must match the name of an entry in spec.initContainers.name or spec.containers.name",
                "status.extendedResourceClaimStatus.resourceClaimName: Required value",
            ],
        ),
        (
            {
                "containerStatuses": [
                    {
                        "name": "app",
                        "user": {"linux": {"uid": -1, "gid": 0}},
                        "allocatedResourcesStatus": [
                            {"name": "gpu", "resources": [{"resourceID": "a", "health": "Sick"}, {"resourceID": "a"}]}
                        ],
                    }
                ]
            },
            [
                "status.containerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                'status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: "gpu": '
                "must match one of the container's resource requests",
                "status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value",
                "status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].health: Unsupported value",
                "status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].resourceID: Duplicate value",
            ],
        ),
        (
            {"ephemeralContainerStatuses": [{"name": "x", "allocatedResourcesStatus": [{"name": "gpu"}]}]},
            [
                "status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: "
                "must not be specified in container status"
            ],
        ),
    ],
)
def test_a_status_is_looked_at(make_pod: Any, status: dict[str, Any], errors: list[str]):
    pod = make_pod(nodeName="n1")
    found = through("status", pod, {**deepcopy(pod), "status": status})
    assert len(found) == len(errors)
    assert all(error.startswith(words) for error, words in zip(found, errors, strict=True)), found


def test_annotations_of_mirrors_and_profiles_stay(make_pod: Any):
    mirror, profile = "kubernetes.io/config.mirror", "container.apparmor.security.beta.kubernetes.io/app"
    pod = make_pod(nodeName="n1")
    pod["metadata"]["annotations"] = {mirror: "a"}
    new = deepcopy(pod)
    new["metadata"]["annotations"] = {mirror: "b", profile: "unconfined"}
    assert [str(error) for error in POD.validate_update(new, pod)] == [
        f"metadata.annotations[{mirror}]: Forbidden: may not remove or update mirror pod annotation",
        f"metadata.annotations[{profile}]: Forbidden: may not add AppArmor annotations",
    ]


def test_a_container_that_ended_for_good_stays_ended(make_pod: Any):
    pod = make_pod(restartPolicy="Never")
    pod["status"]["containerStatuses"] = [{"name": "app", "state": {"terminated": {"exitCode": 0}}}]
    new = deepcopy(pod)
    new["status"]["containerStatuses"][0]["state"] = {"running": {}}
    assert through("status", pod, new) == [
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    ]


def test_a_mirror_pod_has_no_ephemeral_containers(make_pod: Any):
    pod = make_pod()
    pod["spec"]["nodeName"] = "n1"
    pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "hash"}
    new = deepcopy(pod)
    new["spec"]["ephemeralContainers"] = [{"name": "dbg", "image": "busybox"}]
    [message] = through("ephemeralcontainers", pod, new)
    assert message.endswith("Forbidden: static pods do not support ephemeral containers")


def test_ephemeral_containers_are_added_and_never_changed(make_pod: Any):
    debugger = {
        "name": "dbg",
        "image": "busybox",
        "resources": {},
        "imagePullPolicy": "Always",
        "terminationMessagePolicy": "File",
        "terminationMessagePath": "/dev/termination-log",
    }
    pod, new = make_pod(), make_pod()
    new["spec"]["ephemeralContainers"] = [debugger]
    assert through("ephemeralcontainers", pod, new) == []
    changed = deepcopy(new)
    changed["spec"]["ephemeralContainers"][0]["image"] = "alpine:3"
    (message,) = through("ephemeralcontainers", new, changed)
    assert message == (
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "dbg" may not be changed\n'
        '@@ -1,6 +1,6 @@\n {\n  "Name": "dbg",\n- "Image": "busybox",\n+ "Image": "alpine:3",\n  "Command": null,\n'
        '  "Args": null,\n  "WorkingDir": "",\n'
    )
    assert through("ephemeralcontainers", new, deepcopy(pod)) == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "dbg" may not be removed\n'
    ]


def test_a_resize_changes_cpu_and_memory_alone(make_pod: Any):
    amounts = {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "1Gi"}}
    pod = make_pod({"resources": amounts})
    new = deepcopy(pod)
    new["spec"]["containers"][0]["image"] = "ignored"
    new["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "150m"
    assert through("resize", pod, new) == []
    assert new["spec"]["containers"][0]["image"] == "nginx:1.27"
    less = deepcopy(pod)
    del less["spec"]["containers"][0]["resources"]["limits"]["memory"]
    assert through("resize", pod, less) == [
        "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"
    ]


def test_what_runs_nowhere_goes_at_once(make_pod: Any):
    pod = make_pod()
    assert POD.grace_seconds is not None
    assert POD.grace_seconds(pod) == 0
    pod["spec"]["nodeName"] = "n1"
    assert POD.grace_seconds(pod) == 30
    pod["status"]["phase"] = "Succeeded"
    assert POD.grace_seconds(pod) == 0
