"""Bootstrap tokens end when they should, and sign cluster-info while they may."""

import base64
from datetime import timedelta
from typing import Any

import jwt
import pytest

from controllers import bootstrap_signer, token_cleaner
from podling.api.errors import NotFound
from podling.api.meta import timestamp
from podling.client.resource import CONFIG_MAPS, SECRETS

WORD = "0123456789abcdef"


def token(bench: Any, name: str, seconds: float | None = None, **fields: str) -> dict[str, Any]:
    data = {"token-id": name, "token-secret": WORD, "usage-bootstrap-signing": "true", **fields}
    if seconds is not None:
        data["expiration"] = timestamp(bench.clock.now() + timedelta(seconds=seconds))
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": f"bootstrap-token-{name}", "namespace": "kube-system"}
    return {"metadata": metadata, "type": "bootstrap.kubernetes.io/token", "data": encoded}


async def info(bench: Any) -> dict[str, str]:
    found = await bench.client.get(CONFIG_MAPS, "cluster-info", "kube-public")
    return dict(found.data)


async def test_a_token_is_deleted_when_its_time_is_over_and_others_stay(bench: Any) -> None:
    for made in (token(bench, "aaaaaa", 60), token(bench, "bbbbbb", 600), token(bench, "cccccc")):
        await bench.client.create(SECRETS, made, "kube-system")
    opaque = token(bench, "dddddd", 1)
    await bench.client.create(SECRETS, {**opaque, "type": "Opaque"}, "kube-system")
    await bench.start(token_cleaner.control)
    await bench.wait(59)
    assert len(bench.names("secrets")) == 4
    await bench.wait(2)
    assert bench.names("secrets") == [f"bootstrap-token-{each * 6}" for each in "bcd"]


@pytest.mark.filterwarnings("ignore:The HMAC key is 16 bytes")  # that is how long they are
async def test_cluster_info_is_signed_by_every_token_that_may_and_by_no_other(bench: Any) -> None:
    await bench.client.create(SECRETS, token(bench, "aaaaaa"), "kube-system")
    await bench.client.create(SECRETS, token(bench, "bbbbbb", **{"usage-bootstrap-signing": "false"}), "kube-system")
    metadata = {"name": "cluster-info", "namespace": "kube-public"}
    body = {"metadata": metadata, "data": {"kubeconfig": "the cluster", "jws-kubeconfig-zzzzzz": "old"}}
    await bench.client.create(CONFIG_MAPS, body, "kube-public")
    await bench.start(bootstrap_signer.control)
    await bench.wait()
    data = await info(bench)
    assert sorted(data) == ["jws-kubeconfig-aaaaaa", "kubeconfig"]
    header, empty, signature = data["jws-kubeconfig-aaaaaa"].split(".")
    assert empty == ""
    payload = base64.urlsafe_b64encode(b"the cluster").rstrip(b"=").decode()
    whole = jwt.api_jws.decode_complete(f"{header}.{payload}.{signature}", WORD.ljust(16).encode(), ["HS256"])
    assert whole["header"] == {"alg": "HS256", "kid": "aaaaaa"}
    await bench.client.delete(SECRETS, "bootstrap-token-aaaaaa", "kube-system")
    await bench.wait()
    assert sorted(await info(bench)) == ["kubeconfig"]


async def test_without_cluster_info_there_is_nothing_to_sign(bench: Any) -> None:
    await bench.start(bootstrap_signer.control)
    await bench.client.create(SECRETS, token(bench, "aaaaaa"), "kube-system")
    await bench.wait()
    try:
        await info(bench)
    except NotFound:
        return
    raise AssertionError("nobody asked for it")
