"""Bodies that say to be of another kind than the path serves."""

import pytest

from apiserver.schema.decode import foreign


@pytest.mark.parametrize(
    ("version", "kind", "words"),
    [
        ("v2", "Pod", 'no kind "Pod" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"'),
        ("v1", "Nope", 'no kind "Nope" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'),
        ("v1", "Secret", "converting (v1.Secret) to (autoscaling.HorizontalPodAutoscaler): unknown conversion"),
        ("v1", "List", "converting (v1.List) to (autoscaling.HorizontalPodAutoscaler): unknown conversion"),
        ("v1", "Status", "converting (v1.Status) to (autoscaling.HorizontalPodAutoscaler): unknown conversion"),
        (
            "apps/v1beta1",
            "DeleteOptions",
            "converting (v1.DeleteOptions) to (autoscaling.HorizontalPodAutoscaler): unknown conversion",
        ),
        ("autoscaling/v1", "HorizontalPodAutoscaler", ""),
    ],
)
def test_another_kind_is_told_why_and_another_version_is_none(version: str, kind: str, words: str) -> None:
    assert foreign("HorizontalPodAutoscaler", "autoscaling/v2", version, kind) == words
