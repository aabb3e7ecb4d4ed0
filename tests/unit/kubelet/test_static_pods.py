"""Pods from manifests: what is read, and what a kubelet makes of it."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubelet.configuration import Configuration, configuration
from kubelet.static.manifests import Manifests
from kubelet.static.pods import ManifestError, Origin, StaticPod, is_static, mirror_of, read, shows
from podling.api.errors import ServiceUnavailable
from podling.client.resource import NODES, PODS
from podling.loop.clock import FakeClock

from .conftest import NODE, Node, pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = Origin("file", "/etc/manifests/web.yaml")


def manifest(name: str = "web", **spec: Any) -> dict[str, Any]:
    container = {"name": "app", "image": "busybox", "imagePullPolicy": "IfNotPresent"}
    body = {"containers": [container], "terminationGracePeriodSeconds": 5, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}


def static(data: dict[str, Any], origin: Origin = FILE) -> StaticPod:
    [found] = read(yaml.safe_dump(data).encode(), origin, NODE, NOW)
    return found


def test_a_manifest_becomes_a_pod_of_this_node() -> None:
    found = static(manifest())
    metadata = found.pod.metadata
    assert found.key == "default/web-n1" and found.pod.spec.nodeName == "n1"
    assert metadata.annotations == {
        "kubernetes.io/config.hash": metadata.uid,
        "kubernetes.io/config.seen": "2026-01-01T00:00:00.000000Z",
        "kubernetes.io/config.source": "file",
    }
    assert is_static(found.pod) and found.pod.spec.restartPolicy == "Always"
    [toleration] = found.pod.spec.tolerations
    assert (toleration.operator, toleration.effect) == ("Exists", "NoExecute")


def test_another_manifest_is_another_pod_and_another_layout_is_not() -> None:
    first = static(manifest())
    text = "# a comment\n" + yaml.safe_dump(manifest(), default_flow_style=True)
    assert read(text.encode(), FILE, NODE, NOW)[0].uid == first.uid
    others = [static(manifest(hostNetwork=True)), static(manifest(), Origin("file", "/elsewhere"))]
    others += read(yaml.safe_dump(manifest()).encode(), FILE, "n2", NOW)
    assert len({first.uid, *(each.uid for each in others)}) == 4


def test_a_pod_of_the_api_is_not_static_whatever_its_annotations_say() -> None:
    data = pod()
    data["metadata"]["annotations"] = {"kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "forged"}
    assert not is_static(read(yaml.safe_dump(manifest()).encode(), FILE, NODE, NOW)[0].pod.from_dict(data))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("a: [", "it is not YAML"),
        ("", "it holds 0 documents"),
        ("a: 1\n---\nb: 2\n", "it holds 2 documents"),
        ("- a", "it holds no object"),
        ({"kind": "Deployment", "apiVersion": "apps/v1"}, "it holds a Deployment of apps/v1, not a Pod of v1"),
        ({"metadata": {}}, "metadata.name: Required value"),
        ({"metadata": {"name": "Web"}}, 'metadata.name: Invalid value: "Web"'),
        ({"spec": {"containers": []}}, "spec.containers: Required value"),
        ({"spec": {"containers": [{"name": "a", "image": "x"}] * 2}}, 'container name "a": Duplicate value'),
        ({"spec": {"containers": [{"name": "a"}]}}, "image of container a: Required value"),
        ({"spec": {"containers": [{"name": "a", "imagee": "x"}]}}, 'unknown field "spec.containers[0].imagee"'),
        ({"spec": {"containers": "x"}}, "Expected `array"),
        ({"spec": {"serviceAccountName": "x"}}, "static pods may not reference serviceaccounts"),
        ({"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}}, "may not reference secrets"),
        ({"spec": {"volumes": [{"name": "v", "configMap": {"name": "s"}}]}}, "may not reference configmaps"),
    ],
)
def test_what_cannot_be_run_says_why(change: Any, words: str) -> None:
    text = change
    if isinstance(change, dict):
        whole = manifest()
        spec = {**whole["spec"], **change.get("spec", {})}
        text = yaml.safe_dump({**whole, **change, "spec": spec})
    with pytest.raises(ManifestError) as refused:
        read(text.encode(), FILE, NODE, NOW)
    assert words in str(refused.value)


def test_a_list_of_pods_comes_by_http_alone() -> None:
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "PodList", "items": [manifest("a"), manifest("b")]}).encode()
    found = read(text, Origin("http", "http://here"), NODE, NOW)
    assert [each.key for each in found] == ["default/a-n1", "default/b-n1"]
    with pytest.raises(ManifestError):
        read(text, FILE, NODE, NOW)


def test_the_mirror_shows_this_very_pod() -> None:
    found = static(manifest())
    mirror = mirror_of(found, NODE, "node-uid")
    assert mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] == found.uid
    assert "uid" not in mirror["metadata"]
    [owner] = mirror["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": "node-uid", "controller": True}
    assert shows(found.pod.from_dict(mirror), found)
    assert not shows(found.pod.from_dict(mirror), static(manifest(hostNetwork=True)))


class Folder:
    """A directory of manifests, and what is told of it."""

    def __init__(self, path: Path, settings: Configuration | None = None) -> None:
        self.path, self.clock = path, FakeClock()
        self.told: list[tuple[list[str], bool]] = []
        self.complaints: list[str] = []
        settings = settings or configuration({"staticPodPath": str(path)})
        self.manifests = Manifests(settings, NODE, self.clock, tell=self.tell, complain=self.complaints.append)

    def tell(self, pods: Any, complete: bool) -> None:
        self.told.append((sorted(pods), complete))

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    async def turn(self) -> None:
        await self.clock.advance(1)


async def test_a_directory_is_followed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.yaml", yaml.safe_dump(manifest("a")))
    folder.write(".hidden", yaml.safe_dump(manifest("hidden")))
    (tmp_path / "folder").mkdir()
    following = asyncio.ensure_future(folder.manifests.run())
    await folder.turn()
    assert folder.told == [(["default/a-n1"], True)]
    folder.write("b.json", yaml.safe_dump(manifest("b")))
    await folder.turn()
    await folder.turn()
    assert folder.told[1:] == [(["default/a-n1", "default/b-n1"], True)]
    os.remove(tmp_path / "a.yaml")
    await folder.turn()
    assert folder.told[2:] == [(["default/b-n1"], True)]
    following.cancel()


async def test_a_manifest_that_turned_bad_keeps_its_pod_and_the_others_run(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.yaml", yaml.safe_dump(manifest("a")))
    folder.write("b.yaml", "kind: [")
    following = asyncio.ensure_future(folder.manifests.run())
    await folder.turn()
    assert folder.told == [(["default/a-n1"], True)]
    assert [text.partition(": it is")[0] for text in folder.complaints] == [f"Static pod manifest {tmp_path}/b.yaml"]
    folder.write("a.yaml", "")
    await folder.turn()
    assert folder.told[-1] == (["default/a-n1"], True)
    assert len(folder.complaints) == 2
    following.cancel()


async def test_of_two_pods_of_one_name_the_first_runs(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name in ("1.yaml", "2.yaml"):
        folder.write(name, yaml.safe_dump(manifest("same")))
    following = asyncio.ensure_future(folder.manifests.run())
    await folder.turn()
    assert folder.told == [(["default/same-n1"], True)]
    assert folder.complaints == [f'Static pod manifest {tmp_path}/2.yaml: duplicate pod name "same-n1", ignoring it']
    following.cancel()


async def test_without_a_directory_everything_is_known_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path, configuration({}))
    await asyncio.wait_for(folder.manifests.run(), 60)
    assert folder.told == [([], True)]


async def run(node: Node, **pods: StaticPod) -> None:
    node.sources.set_static({found.key: found for found in pods.values()}, complete=True)
    await node.settle()


def mirror(node: Node, name: str = "web-n1") -> dict[str, Any] | None:
    return node.client.find(PODS, name)


@pytest.fixture
def registered(node: Node) -> Node:
    node.client.add(NODES, {"metadata": {"name": NODE, "uid": "node-uid"}})
    return node


async def test_a_static_pod_runs_and_its_mirror_says_so(registered: Node) -> None:
    found = static(manifest())
    await run(registered, web=found)
    assert registered.runtime.running(found.uid, "app")
    shown = mirror(registered)
    assert shown and shown["status"]["phase"] == "Running" and shown["metadata"]["uid"] != found.uid
    assert registered.container(name="web-n1")["ready"] is True


async def test_a_mirror_that_is_deleted_comes_back_and_the_container_never_knows(registered: Node) -> None:
    found = static(manifest())
    await run(registered, web=found)
    before, calls = mirror(registered), [c for c in registered.runtime.calls if c[0].startswith(("st", "remove"))]
    await registered.client.delete(PODS, "web-n1", "default")
    await registered.advance(0.9)
    assert mirror(registered) is None, "kubectl, which waits for that, had no time to see it"
    await registered.advance(1)
    after = mirror(registered)
    assert before and after and after["metadata"]["uid"] != before["metadata"]["uid"]
    assert "deletionTimestamp" not in after["metadata"] and after["status"]["phase"] == "Running"
    assert [c for c in registered.runtime.calls if c[0].startswith(("st", "remove"))] == calls


async def test_another_manifest_is_another_pod_which_starts_when_the_first_has_ended(registered: Node) -> None:
    first, second = static(manifest()), static(manifest(hostname="other"))
    await run(registered, web=first)
    await run(registered, web=second)
    assert registered.runtime.seen(first.uid) is None and registered.runtime.running(second.uid, "app")
    verbs = [c for c in registered.runtime.calls if c[0] in ("remove_sandbox", "start_sandbox")]
    assert verbs == [("start_sandbox", first.uid), ("remove_sandbox", first.uid), ("start_sandbox", second.uid)]
    await registered.advance(2)
    shown = mirror(registered)
    assert shown and shown["metadata"]["annotations"]["kubernetes.io/config.mirror"] == second.uid


async def test_a_pod_whose_manifest_goes_ends_in_its_grace_period_and_so_does_the_mirror(registered: Node) -> None:
    found = static(manifest())
    await run(registered, web=found)
    await run(registered)
    assert registered.runtime.seen(found.uid) is None
    await registered.advance(2)
    assert mirror(registered) is None


async def test_a_manifest_that_comes_back_while_its_pod_ends_starts_it_anew(registered: Node) -> None:
    found = static(manifest())
    await run(registered, web=found)
    registered.sources.set_static({}, complete=True)
    registered.sources.set_static({found.key: found}, complete=True)
    await registered.settle()
    starts = [c for c in registered.runtime.calls if c == ("start_sandbox", found.uid)]
    assert len(starts) == 2 and registered.runtime.running(found.uid, "app")


async def test_a_static_pod_needs_no_api(node: Node) -> None:
    await node.kill()

    def away(verb: str, plural: str, name: str) -> None:
        raise ServiceUnavailable("no API server")

    node.client.fail = away
    found = static(manifest())
    node.static = {found.key: found}
    node.start()
    await node.settle()
    assert node.runtime.running(found.uid, "app")
    await run(node)
    assert node.runtime.seen(found.uid) is None


async def test_a_kubelet_that_starts_again_goes_on_with_its_static_pods(registered: Node) -> None:
    found = static(manifest())
    await run(registered, web=found)
    registered.static = {found.key: found}
    await registered.kill()
    registered.start()
    await registered.settle()
    starts = [c for c in registered.runtime.calls if c[0] == "start_sandbox"]
    assert len(starts) == 1
    shown = mirror(registered)
    assert shown and shown["status"]["phase"] == "Running"


async def test_what_a_former_manifest_ran_ends_even_before_the_api_is_there(registered: Node) -> None:
    first, second = static(manifest()), static(manifest(hostname="other"))
    await run(registered, web=first)
    await registered.kill()
    registered.static = {second.key: second}
    registered.client.fail = lambda verb, plural, name: (_ for _ in ()).throw(ServiceUnavailable("away"))
    registered.start()
    await registered.settle()
    assert registered.runtime.seen(first.uid) is None and registered.runtime.running(second.uid, "app")


async def test_pods_of_the_api_are_no_orphans_before_the_api_told_of_them(registered: Node) -> None:
    uid = await registered.add(pod())
    await registered.kill()
    registered.client.fail = lambda verb, plural, name: (_ for _ in ()).throw(ServiceUnavailable("away"))
    registered.start()
    await registered.advance(120)
    assert registered.runtime.running(uid, "app")


async def test_a_source_that_does_not_answer_keeps_no_mirror_from_the_others_and_ends_nothing(registered: Node) -> None:
    found, remote = static(manifest()), static(manifest("remote"), Origin("http", "http://here"))
    await run(registered, web=found, remote=remote)
    await registered.kill()
    registered.static, registered.manifests_known = {found.key: found}, False
    registered.start()
    await registered.advance(120)
    assert mirror(registered) and mirror(registered, "remote-n1")
    assert registered.runtime.running(remote.uid, "app")
    await run(registered, web=found)
    await registered.advance(2)
    assert mirror(registered) and mirror(registered, "remote-n1") is None
    assert registered.runtime.seen(remote.uid) is None
