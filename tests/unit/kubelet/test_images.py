import pytest

from kubelet.images.policy import Verdict, judge, pulled_message, spell
from kubelet.images.progress import PullProgress
from kubelet.runtime import ImageSeen

THERE = ImageSeen("sha256:1", "")


@pytest.mark.parametrize(
    ("policy", "seen", "may_use", "verdict"),
    [
        ("Always", THERE, True, Verdict.PULL),
        ("Always", None, False, Verdict.PULL),
        ("IfNotPresent", THERE, True, Verdict.READY),
        ("IfNotPresent", THERE, False, Verdict.PULL),
        ("IfNotPresent", None, False, Verdict.PULL),
        ("Never", THERE, True, Verdict.READY),
        ("Never", THERE, False, Verdict.REFUSED),
        ("Never", None, False, Verdict.REFUSED),
    ],
)
def test_the_policy_decides(policy: str, seen: ImageSeen | None, may_use: bool, verdict: Verdict) -> None:
    assert judge(policy, seen, may_use) is verdict


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0851, "85ms"),
        (1.2, "1.2s"),
        (3, "3s"),
        (59.9999, "59.999s"),
        (123.5, "2m3.5s"),
        (60, "1m0s"),
        (3602, "1h0m2s"),
    ],
)
def test_durations_are_told_as_go_does(seconds: float, text: str) -> None:
    assert spell(seconds) == text


def test_a_pull_is_told_in_kubernetes_words() -> None:
    words = 'Successfully pulled image "nginx" in 1.2s (1.3s including waiting). Image size: 72 bytes.'
    assert pulled_message("nginx", 1.2, 1.3, 72) == words


def test_progress_counts_layers_and_bytes() -> None:
    progress = PullProgress()
    assert str(progress) == "waiting for the registry"
    for id, status, current in [
        ("1.0", "Pulling from library/nginx", 0),
        ("a", "Pulling fs layer", 0),
        ("b", "Already exists", 0),
        ("a", "Downloading", 1_500_000),
        ("a", "Retrying in 5 seconds", 0),
    ]:
        detail = {"current": current, "total": 4_000_000} if current else {}
        progress.word({"status": status, "id": id, "progressDetail": detail})
    assert str(progress) == "1 of 2 layers, 1.5 of 4.0 MB"
    progress.word({"status": "Extracting", "id": "a", "progressDetail": {"current": 1, "total": 9}})
    assert str(progress) == "1 of 2 layers, 4.0 of 4.0 MB"
    progress.word({"status": "Pull complete", "id": "a"})
    assert str(progress) == "2 of 2 layers, 4.0 of 4.0 MB"
