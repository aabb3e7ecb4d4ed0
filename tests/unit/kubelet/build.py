"""Typed pods, as the kubelet reads them."""

from typing import Any

from lightkube.models import core_v1

from podling.client.codec import typed

from .conftest import pod


def typed_pod(containers: list[dict[str, Any]] | None = None, **spec: Any) -> Any:
    return typed(pod(containers=containers, **spec), core_v1.Pod)
