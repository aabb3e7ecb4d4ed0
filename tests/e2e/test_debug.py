"""`kubectl debug`: a container beside those of a running pod, in the processes of one of them, or in a copy."""

from typing import Any

from tests.e2e.manifests import FOREVER, manifest, shell

BUSYBOX = ("--image=busybox", "--image-pull-policy=IfNotPresent", "--profile=general")


def test_debugging_a_pod(pods: Any) -> None:
    members = [shell(f"marker=here; {FOREVER}"), shell(FOREVER, "other")]
    pods.create(manifest("box", members))
    pods.running("box")
    pods("debug", "box", *BUSYBOX, "--target=app", "-c", "looker", "--", "ps")
    pods("debug", "box", *BUSYBOX, "-c", "alone", "--", "ps")

    def ended() -> bool:
        found = pods.get("box")["status"].get("ephemeralContainerStatuses", ())
        return [each["name"] for each in found if "terminated" in each["state"]] == ["looker", "alone"]

    pods.eventually(ended, 30)
    assert "marker=here" in pods("logs", "box", "-c", "looker").stdout, "the target's processes"
    assert "marker=here" not in pods("logs", "box", "-c", "alone").stdout
    assert "marker=here" not in pods.exec("box", "ps", container="other").stdout
    found = pods.get("box")
    assert all(each["restartCount"] == 0 for each in found["status"]["ephemeralContainerStatuses"])
    assert pods.shown("box")[1:3] == ["2/2", "Running"], "what becomes of them is nothing to the pod"

    refused = pods("debug", "box", *BUSYBOX, "--target=nobody", "-c", "lost", "--", "ps", check=False)
    assert 'targetContainerName: Not found: "nobody"' in refused.stderr

    pods("debug", "box", *BUSYBOX, "--copy-to=copy", "--share-processes", "-c", "extra", "--", "sleep", "1000")
    pods.running("copy")
    assert "marker=here" in pods.exec("copy", "ps", container="extra").stdout
