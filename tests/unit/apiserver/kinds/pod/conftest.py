"""Pods as the pipeline makes them."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from apiserver.kinds.pod import POD
from apiserver.schema.decode import decode

MakePod = Callable[..., dict[str, Any]]


@pytest.fixture
def make_pod() -> MakePod:
    """`make_pod(hostname="x")`, or `make_pod(app={"image": "y"})` to change its only container."""

    def make(app: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
        containers = [{"name": "app", "image": "nginx:1.27", **(app or {})}]
        body = {"metadata": {"name": "web"}, "spec": {"containers": containers, **spec}}
        pod, _ = decode(msgspec.json.encode(body), "application/json", POD.schema, kind="Pod", api_version="v1")
        POD.default(pod)
        pod["spec"].setdefault("serviceAccountName", "default")
        POD.prepare_create(pod)
        return pod

    return make


@pytest.fixture
def refused(make_pod: MakePod) -> Callable[..., list[str]]:
    """What is wrong with the pod that `make_pod` makes of the same."""

    def judge(app: dict[str, Any] | None = None, **spec: Any) -> list[str]:
        pod = make_pod(app, **spec)
        return [str(error) for error in [*POD.validate(pod), *POD.validate_create(pod)]]

    return judge
