"""Which container, which node, and the words where there is none."""

from typing import Any

import pytest

from apiserver.streams import command_status
from apiserver.streams.logs import log_request
from apiserver.streams.target import Node, container_of, kubelet_of, node_name
from podling.api.errors import ApiError, BadRequest

Object = dict[str, Any]


def pod(*containers: str, **more: list[str]) -> Object:
    spec = {
        kind: [{"name": name} for name in names] for kind, names in {"containers": list(containers), **more}.items()
    }
    return {"metadata": {"name": "p"}, "spec": spec}


def test_the_only_container_is_meant_where_none_is_named() -> None:
    assert container_of(pod("a", initContainers=["i"]), "") == "a"


@pytest.mark.parametrize("name", ["a", "b", "i", "e"])
def test_every_kind_of_container_may_be_named(name: str) -> None:
    assert container_of(pod("a", "b", initContainers=["i"], ephemeralContainers=["e"]), name) == name


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        (pod("a", "b"), "", "a container name must be specified for pod p, choose one of: [a b]"),
        (
            pod("a", "b", initContainers=["i", "j"], ephemeralContainers=["e"]),
            "",
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i j] "
            "or one of the ephemeral containers: [e]",
        ),
        (pod(), "", "a container name must be specified for pod p"),
        (pod("a"), "c", "container c is not valid for pod p"),
    ],
)
def test_other_names_are_refused(found: Object, wanted: str, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        container_of(found, wanted)
    assert caught.value.message == words


def test_a_pod_without_a_node_has_no_host() -> None:
    assert node_name({"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}}) == "n1"
    with pytest.raises(BadRequest, match="pod p does not have a host assigned"):
        node_name(pod("a"))


def test_the_kubelet_listens_at_the_internal_address() -> None:
    addresses = [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"}]
    node = {"metadata": {"name": "n1"}, "status": {"addresses": addresses}}
    assert kubelet_of(node) == Node("n1", "10.0.0.1", 10250)
    node["status"]["daemonEndpoints"] = {"kubeletEndpoint": {"Port": 20250}}  # type: ignore[index]
    assert kubelet_of(node).port == 20250
    with pytest.raises(BadRequest, match="no preferred addresses found"):
        kubelet_of({"metadata": {"name": "n1"}})


def test_log_options_become_the_kubelets() -> None:
    options = {"follow": "true", "tailLines": "0", "limitBytes": "10", "sinceTime": "2026-11-22T11:00:00.5+01:00"}
    found = log_request(options, "p")
    assert (found.follow, found.tail_lines, found.limit_bytes) == (True, 0, 10)
    assert found.HasField("tail_lines")
    assert not found.HasField("since_seconds")
    assert not log_request({}, "p").HasField("tail_lines")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tailLines": "-1"}, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ({"stream": "X"}, 'stream: Unsupported value: "X": supported values: "All", "Stderr", "Stdout"'),
        (
            {"sinceSeconds": "1", "sinceTime": "2026-11-22T11:00:00Z"},
            "at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        ({"stream": "Stdout", "tailLines": "1"}, "`tailLines` and specific `stream` are mutually exclusive for now"),
        ({"tailLines": "few"}, 'strconv.ParseInt: parsing "few": invalid syntax'),
        ({"sinceTime": "today"}, 'parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"'),
    ],
)
def test_bad_log_options_are_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(ApiError) as caught:
        log_request(options, "p")
    assert words in caught.value.message


def test_the_end_of_a_command_is_told_by_a_status() -> None:
    assert command_status.encode(command_status.exited(0), 4) == b'{"metadata":{},"status":"Success"}'
    assert command_status.encode(command_status.exited(0), 3) == b""
    failed = command_status.exited(3)
    assert failed["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    words = b"command terminated with non-zero exit code: command terminated with exit code 3"
    assert command_status.encode(failed, 1) == words
