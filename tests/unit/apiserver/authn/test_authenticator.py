"""Certificates, tokens and nobody."""

import base64
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from apiserver.authn.authenticator import Authenticator
from apiserver.authn.tokens import BOUND, EXTENDED_SECONDS, SERVICE_ACCOUNTS, InvalidToken, Issuer
from apiserver.lister import MemoryLister
from apiserver.request import ANONYMOUS
from podling.api.errors import Unauthorized

URL = "https://kubernetes.default.svc"
ROBOT = {"metadata": {"name": "robot", "namespace": "x", "uid": "u1"}}
POD = {"metadata": {"name": "web", "namespace": "x", "uid": "u2"}, "spec": {}}
NODE = {"metadata": {"name": "n1", "uid": "u3"}}


def pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    format_ = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, format_, serialization.NoEncryption())


KEY = pem()


class World:
    def __init__(self, tmp_path: Path) -> None:
        self.now = 1_000_000_000.0
        self.lister = MemoryLister([(SERVICE_ACCOUNTS, ROBOT), (BOUND["pod"], POD), (BOUND["node"], NODE)])
        self.issuer = Issuer(KEY, URL, lambda: self.now)
        file = tmp_path / "tokens.csv"
        file.write_text('secret,alice,42,"dev,ops"\n\nplain,bob,43\n')
        self.authenticator = Authenticator(self.issuer, self.lister, file)

    def token(self, seconds: int = 600, audiences: tuple[str, ...] = (URL,), **bound: dict[str, Any]) -> str:
        return self.issuer.sign(ROBOT, audiences, seconds, bound)[0]

    def by_token(self, token: str) -> Any:
        return self.authenticator.authenticate((), {"Authorization": f"Bearer {token}"})

    def error(self, token: str, audiences: tuple[str, ...] = (URL,)) -> str:
        with pytest.raises(InvalidToken) as caught:
            self.authenticator.token(token, audiences)
        return str(caught.value)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_certificate_names_the_user_and_the_groups(world: World) -> None:
    subject = (("organizationName", "system:nodes"), ("organizationName", "b"), ("commonName", "system:node:n1"))
    user = world.authenticator.authenticate(subject, {"Authorization": "Bearer wrong"})
    assert (user.name, user.groups) == ("system:node:n1", ("system:nodes", "b", "system:authenticated"))


def test_a_user_is_told_by_which_certificate_it_was_known(world: World) -> None:
    user = world.authenticator.authenticate((("commonName", "ann"),), {}, certificate=b"DER")
    assert user.extra == {"authentication.kubernetes.io/credential-id": ("X509SHA256=" + sha256(b"DER").hexdigest(),)}


def test_without_credentials_one_is_anonymous(world: World) -> None:
    assert world.authenticator.authenticate((), {}) == ANONYMOUS
    assert world.authenticator.authenticate((), {"Authorization": "Basic YTpi"}) == ANONYMOUS


def test_tokens_of_the_file_have_their_user(world: World) -> None:
    alice, bob = world.by_token("secret"), world.by_token("plain")
    assert (alice.name, alice.uid, alice.groups) == ("alice", "42", ("dev", "ops", "system:authenticated"))
    assert bob.groups == ("system:authenticated",)


def test_a_wrong_token_is_unauthorized(world: World) -> None:
    for token in ("wrong", "a.b.c", "ä", world.token()[:-3] + "xyz"):
        with pytest.raises(Unauthorized):
            world.by_token(token)


def test_a_websocket_brings_its_token_as_a_protocol(world: World) -> None:
    encoded = base64.urlsafe_b64encode(b"secret").rstrip(b"=").decode()
    protocols = f"base64url.bearer.authorization.k8s.io.{encoded}, v4.channel.k8s.io"
    assert world.authenticator.authenticate((), {"Sec-WebSocket-Protocol": protocols}).name == "alice"


def test_a_service_accounts_token_names_it_and_its_pod(world: World) -> None:
    user = world.by_token(world.token(pod=POD, node=NODE))
    assert (user.name, user.uid) == ("system:serviceaccount:x:robot", "u1")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:x", "system:authenticated")
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("web",)
    assert user.extra["authentication.kubernetes.io/node-uid"] == ("u3",)
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")


def test_a_token_ends_with_its_time(world: World) -> None:
    token = world.token(600)
    world.now += 650
    assert world.by_token(token)
    world.now += 20
    assert world.error(token) == "[invalid bearer token, service account token has expired]"


def test_a_token_ends_with_its_account_its_pod_and_their_uids(world: World) -> None:
    token = world.token(pod=POD)
    world.lister.put(BOUND["pod"], {**POD, "metadata": {**POD["metadata"], "uid": "other"}})
    assert "pod UID (other) does not match service account pod ref claim (u2)" in world.error(token)
    world.lister.remove(BOUND["pod"], "x", "web")
    assert world.error(token) == "[invalid bearer token, service account token has been invalidated]"
    world.lister.remove(SERVICE_ACCOUNTS, "x", "robot")
    assert world.error(token) == '[invalid bearer token, serviceaccounts "robot" not found]'


def test_a_token_serves_only_its_audiences(world: World) -> None:
    assert world.error(world.token(), ("vault",)) == (
        f'[invalid bearer token, token audiences ["{URL}"] is invalid for the target audiences ["vault"]]'
    )
    vault = world.token(audiences=("vault",))
    assert world.authenticator.token(vault, ("vault", "other")).audiences == ("vault",)
    with pytest.raises(Unauthorized):
        world.by_token(vault)


def test_a_token_signed_by_another_key_or_with_another_algorithm_is_refused(world: World) -> None:
    forged = Issuer(pem(), URL, lambda: world.now).sign(ROBOT, (URL,), 600, {})[0]
    assert "error in cryptographic primitive" in world.error(forged)
    public = world.issuer.key_set()["keys"][0]["n"]
    for algorithm, key in (("HS256", public), ("none", "")):
        claims = {"iss": URL, "sub": "x", "kubernetes.io": {}}
        assert world.error(jwt.encode(claims, key, algorithm=algorithm)) == "invalid bearer token"


def test_the_tokens_of_pods_live_longer_than_they_are_said_to(world: World) -> None:
    token, ends = world.issuer.sign(ROBOT, (URL,), 3607, {"pod": POD})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert ends == world.now + 3607 == claims["kubernetes.io"]["warnafter"]
    assert claims["exp"] == world.now + EXTENDED_SECONDS


def test_others_verify_our_tokens_with_the_published_key(world: World) -> None:
    key = jwt.PyJWK.from_dict(world.issuer.key_set()["keys"][0])
    token = world.token()
    assert jwt.get_unverified_header(token)["kid"] == key.key_id
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    assert jwt.decode(token, key, audience=URL, options=options)["sub"] == "system:serviceaccount:x:robot"  # type: ignore[arg-type]
    assert world.issuer.configuration("https://h/keys")["jwks_uri"] == "https://h/keys"


def test_a_token_file_with_too_few_columns_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text("a,b\n")
    with pytest.raises(ValueError, match="line 1 has 2 columns"):
        Authenticator(Issuer(KEY), MemoryLister(), file)
