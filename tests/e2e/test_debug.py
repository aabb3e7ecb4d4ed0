"""`kubectl debug`: a container beside those of a running pod, in the processes of one of them, or in a copy."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Cluster, kubectls
from tests.e2e.manifests import FOREVER, manifest, shell
from tests.e2e.streaming import Client, Terminal

BUSYBOX = ("--image=busybox", "--image-pull-policy=IfNotPresent", "--profile=general")


def test_debugging_a_pod(pods: Any, cluster: Cluster, tmp_path: Path) -> None:
    members = [shell(f"marker=here; {FOREVER}"), shell(FOREVER, "other")]
    pods.create(manifest("box", members))
    pods.running("box")
    pods("debug", "box", *BUSYBOX, "--target=app", "-c", "looker", "--", "ps")
    pods("debug", "box", *BUSYBOX, "-c", "alone", "--", "ps")

    pods.eventually(lambda: ended(pods.get("box"), "looker") and ended(pods.get("box"), "alone"))
    assert "marker=here" in pods("logs", "box", "-c", "looker").stdout, "the target's processes"
    assert "marker=here" not in pods("logs", "box", "-c", "alone").stdout
    assert "marker=here" not in pods.exec("box", "ps", container="other").stdout
    found = pods.get("box")
    assert all(each["restartCount"] == 0 for each in found["status"]["ephemeralContainerStatuses"])
    assert pods.shown("box")[1:3] == ["2/2", "Running"], "what becomes of them is nothing to the pod"

    client = Client(kubectls()[0], cluster.environment, pods.namespace, "websocket")
    with Terminal(client, "debug", "-it", "box", *BUSYBOX, "--target=app", "-c", "typing", "--", "sh") as terminal:
        terminal.until("# ")
        terminal.type("ps; tty; exit 4\r")
        assert "marker=here" in terminal.until("/dev/pts")
        terminal.process.wait(60)

    custom = tmp_path / "custom.json"
    custom.write_text(json.dumps({"terminationMessagePath": "/tmp/words", "terminationMessagePolicy": "File"}))
    script = ("sh", "-c", "echo farewell > /tmp/words; exit 1")
    pods("debug", "box", *BUSYBOX, f"--custom={custom}", "-c", "wordy", "--", *script)
    pods.eventually(lambda: ended(pods.get("box"), "wordy"))
    assert ended(pods.get("box"), "wordy")["message"] == "farewell\n"
    assert ended(pods.get("box"), "typing")["exitCode"] == 4

    refused = pods("debug", "box", *BUSYBOX, "--target=nobody", "-c", "lost", "--", "ps", check=False)
    assert 'targetContainerName: Not found: "nobody"' in refused.stderr

    pods("debug", "box", *BUSYBOX, "--copy-to=copy", "--share-processes", "-c", "extra", "--", "sleep", "1000")
    pods.running("copy")
    assert "marker=here" in pods.exec("copy", "ps", container="extra").stdout


def ended(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """How a debugging container ended; {} while it has not."""
    found = [each for each in pod["status"].get("ephemeralContainerStatuses", ()) if each["name"] == name]
    return dict(found[0]["state"].get("terminated", {})) if found else {}
