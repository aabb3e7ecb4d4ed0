import base64
import json
from typing import Any

import pytest
from lightkube.models import core_v1, meta_v1

from kubelet.images.logins import BadSecret, logins


def encoded(data: Any) -> str:
    return base64.b64encode(json.dumps(data).encode()).decode()


def secret(auths: Any, name: str = "pull", key: str = ".dockerconfigjson") -> core_v1.Secret:
    data = {"auths": auths} if key == ".dockerconfigjson" else auths
    meta = meta_v1.ObjectMeta(name=name, namespace="default", uid=f"uid-{name}")
    return core_v1.Secret(metadata=meta, data={key: encoded(data)})


def auth(user: str, password: str = "p") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("address", "image", "fits"),
    [
        ("quay.io", "quay.io/a/b:1", True),
        ("https://quay.io", "quay.io/a", True),
        ("http://quay.io/v2/", "quay.io/a", True),
        ("quay.io", "evil-quay.io/a", False),
        ("quay.io", "registry.quay.io/a", False),
        ("*.quay.io", "registry.quay.io/a", True),
        ("*.quay.io", "a.registry.quay.io/a", False),
        ("quay.io/team", "quay.io/team/app", True),
        ("quay.io/team", "quay.io/other/app", False),
        ("localhost:5000", "localhost:5000/a", True),
        ("localhost", "localhost:5000/a", False),
        ("https://index.docker.io/v1/", "nginx", True),
        ("https://index.docker.io/v1/", "me/app:3", True),
        ("docker.io", "nginx", True),
        ("docker.io/me", "me/app", True),
        ("docker.io/me", "you/app", False),
        ("https://index.docker.io/v1/", "quay.io/a", False),
        ("quay.io", "nginx", False),
    ],
)
def test_a_login_fits_by_host_and_path(address: str, image: str, fits: bool) -> None:
    found = logins([secret({address: auth("me")})], image)
    assert [(each.username, each.password, each.address) for each in found] == ([("me", "p", address)] if fits else [])


def test_both_kinds_of_secrets_are_read() -> None:
    old = secret({"quay.io": {"username": "u", "password": "p", "email": "e"}}, "old", ".dockercfg")
    new = secret({"quay.io": auth("me", "p:with:colons")}, "new")
    found = logins([old, new], "quay.io/a")
    assert [(each.username, each.password) for each in found] == [("u", "p"), ("me", "p:with:colons")]
    assert found[0].secret is not None and found[0].secret.name == "old"


def test_the_more_special_path_is_tried_first() -> None:
    found = logins([secret({"quay.io": auth("host"), "quay.io/team": auth("team")})], "quay.io/team/app")
    assert [each.username for each in found] == ["team", "host"]


def test_auth_wins_over_a_user_name_and_needs_no_padding() -> None:
    both = {"username": "u", "password": "p", "auth": auth("me")["auth"].rstrip("=")}
    assert [each.username for each in logins([secret({"quay.io": both})], "quay.io/a")] == ["me"]


def test_what_is_no_login_is_left_out() -> None:
    assert not logins([secret({"quay.io": {}}), core_v1.Secret(metadata=meta_v1.ObjectMeta())], "quay.io/a")


@pytest.mark.parametrize(
    "broken",
    [
        core_v1.Secret(metadata=meta_v1.ObjectMeta(name="s"), data={".dockerconfigjson": "bm90IGpzb24="}),
        core_v1.Secret(metadata=meta_v1.ObjectMeta(name="s"), data={".dockercfg": encoded({"a": "text"})}),
        secret({"quay.io": {"auth": "!!"}}),
        secret({"quay.io": {"auth": base64.b64encode(b"nocolon").decode()}}),
    ],
)
def test_a_secret_that_cannot_be_read_says_so(broken: core_v1.Secret) -> None:
    with pytest.raises(BadSecret):
        logins([broken], "quay.io/a")


def test_the_hash_tells_logins_apart_and_not_where_they_come_from() -> None:
    one, other, third = (
        logins([secret({"quay.io": auth("me", password)}, name)], "quay.io/a")[0]
        for password, name in (("p", "a"), ("p", "b"), ("q", "a"))
    )
    assert one.hash == other.hash != third.hash and one.hash != "p"
