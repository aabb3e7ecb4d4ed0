"""Service account tokens: JSON web tokens that the API server signs, and believes only while what they are bound to
exists.

Claims (`kubernetes.io` is ours, the others are the standard's):

    iss, sub system:serviceaccount:<namespace>:<name>, aud, iat, nbf, exp, jti
    kubernetes.io: {namespace, serviceaccount: {name, uid}, pod|secret|node: {name, uid}, warnafter}

Times are seconds since 1970. Source: k8s.io/kubernetes/pkg/serviceaccount/{claims,jwt,openidmetadata}.go.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options

from apiserver.lister import Lister
from apiserver.request import User
from podling.api.errors import GroupResource
from podling.api.field import show

PRIVATE = "kubernetes.io"
LEEWAY_SECONDS = 60
WARN_ONLY_SECONDS = (
    3607  # what the ServiceAccount admission asks for: such tokens live a year, and warn after that long
)
EXTENDED_SECONDS = 365 * 24 * 3600
REMEMBERED = 1024  # verified signatures

SERVICE_ACCOUNTS = GroupResource("", "serviceaccounts")
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
BOUND = {"pod": GroupResource("", "pods"), "secret": GroupResource("", "secrets"), "node": GroupResource("", "nodes")}

Object = dict[str, Any]


class InvalidToken(Exception):
    """Not a token of ours, or no longer one."""


def account_name(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def account_groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `audiences` are those asked for that it is meant for."""

    body: Object
    audiences: tuple[str, ...]

    def user(self, lister: Lister) -> User:
        """The service account, if it and what the token is bound to are still there; raises `InvalidToken`."""
        private = self.body.get(PRIVATE) or {}
        namespace, account = private.get("namespace", ""), private.get("serviceaccount") or {}
        name, uid = account.get("name", ""), account.get("uid", "")
        found = lister.get(SERVICE_ACCOUNTS, namespace, name)
        if found is None:
            raise InvalidToken(f"[invalid bearer token, serviceaccounts {show(name)} not found]")
        if found["metadata"].get("uid") != uid:
            actual = found["metadata"].get("uid")
            raise InvalidToken(f"[invalid bearer token, service account UID ({actual}) does not match claim ({uid})]")
        extra: dict[str, tuple[str, ...]] = {}
        if "jti" in self.body:
            extra[CREDENTIAL_ID] = (f"JTI={self.body['jti']}",)
        for kind, resource in BOUND.items():
            reference = private.get(kind)
            if not reference:
                continue
            if kind != "node" or not private.get("pod"):
                _check_bound(lister, kind, resource, namespace, reference)
            if kind != "secret":
                extra[f"authentication.kubernetes.io/{kind}-name"] = (reference.get("name", ""),)
                if reference.get("uid"):
                    extra[f"authentication.kubernetes.io/{kind}-uid"] = (reference["uid"],)
        return User(account_name(namespace, name), account_groups(namespace), uid, extra)


def _check_bound(lister: Lister, kind: str, resource: GroupResource, namespace: str, reference: Object) -> None:
    found = lister.get(resource, "" if kind == "node" else namespace, reference.get("name", ""))
    if found is None:
        raise InvalidToken("[invalid bearer token, service account token has been invalidated]")
    actual, claimed = found["metadata"].get("uid"), reference.get("uid")
    if actual != claimed:
        shown = {"pod": "Pod", "secret": "Secret", "node": "Node"}[kind].lower()
        words = f"{shown} UID ({actual}) does not match service account {shown} ref claim ({claimed})"
        raise InvalidToken(f"[invalid bearer token, {words}]")


class Issuer:
    """Signs tokens and checks them. `now` is the wall clock, in seconds."""

    def __init__(
        self,
        private_key_pem: bytes,
        issuer: str = "https://kubernetes.default.svc",
        now: Callable[[], float] = time.time,
    ) -> None:
        # The cluster's own key: proving its primes takes 50 ms, and nobody is served meanwhile.
        key = serialization.load_pem_private_key(private_key_pem, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("service account tokens are signed with an RSA key")
        self.issuer, self.audiences = issuer, (issuer,)
        self._key, self._public, self._now = key, key.public_key(), now
        self.key_id = _key_id(self._public)
        self._verified: dict[str, Object] = {}

    def sign(
        self, account: Object, audiences: Sequence[str], seconds: int, bound: dict[str, Object]
    ) -> tuple[str, float]:
        """A token and when it ends, as its owner is told. `bound` is what it ends with: {"pod": pod, "node": node}."""
        now = int(self._now())
        metadata = account["metadata"]
        private: Object = {"namespace": metadata["namespace"], "serviceaccount": _reference(account)}
        private |= {kind: _reference(target) for kind, target in bound.items()}
        ends = now + seconds
        life = seconds
        if seconds == WARN_ONLY_SECONDS and "pod" in bound and tuple(audiences) == self.audiences:
            life, private["warnafter"] = EXTENDED_SECONDS, ends
        claims: Object = {
            "aud": list(audiences),
            "exp": now + life,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            PRIVATE: private,
            "nbf": now,
            "sub": account_name(metadata["namespace"], metadata["name"]),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id}), ends

    def verify(self, token: str, audiences: Sequence[str]) -> Claims:
        """Raises `InvalidToken` in the words of TokenReview."""
        body = self._verified.get(token)
        if body is None:
            body = self._decode(token)
            if len(self._verified) >= REMEMBERED:
                self._verified.pop(next(iter(self._verified)))
            self._verified[token] = body
        now = self._now()
        if now > body.get("exp", 0) + LEEWAY_SECONDS:
            raise InvalidToken("[invalid bearer token, service account token has expired]")
        if now < body.get("nbf", 0) - LEEWAY_SECONDS:
            raise InvalidToken("[invalid bearer token, service account token is not valid yet]")
        meant = body.get("aud") or []
        meant = [meant] if isinstance(meant, str) else meant
        found = tuple(audience for audience in meant if audience in audiences)
        if not found:
            words = f"token audiences {_quoted(meant)} is invalid for the target audiences {_quoted(audiences)}"
            raise InvalidToken(f"[invalid bearer token, {words}]")
        return Claims(body, found)

    def _decode(self, token: str) -> Object:
        """The claims of a token whose signature is ours."""
        unchecked: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            body = jwt.decode(token, self._public, algorithms=["RS256"], issuer=self.issuer, options=unchecked)
        except jwt.InvalidSignatureError:
            words = "go-jose/go-jose: error in cryptographic primitive"
            raise InvalidToken(f"[invalid bearer token, {words}]") from None
        except (jwt.InvalidTokenError, ValueError, UnicodeError):
            raise InvalidToken("invalid bearer token") from None
        if not isinstance(body.get(PRIVATE), dict):
            raise InvalidToken("invalid bearer token")
        return body

    def key_set(self) -> Object:
        """The JSON Web Key Set at /openid/v1/jwks: what others verify our tokens with."""
        numbers = self._public.public_numbers()
        key = {"use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256"}
        return {"keys": [{**key, "n": _base64_number(numbers.n), "e": _base64_number(numbers.e)}]}

    def configuration(self, keys_url: str) -> Object:
        """/.well-known/openid-configuration; `keys_url` is where `key_set` is served."""
        return {
            "issuer": self.issuer,
            "jwks_uri": keys_url,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


def _reference(target: Object) -> Object:
    return {key: target["metadata"][key] for key in ("name", "uid") if target["metadata"].get(key)}


def _quoted(words: Sequence[str]) -> str:
    return "[" + " ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"


def _base64_number(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _key_id(public: rsa.RSAPublicKey) -> str:
    """Kubernetes' key ids: the SHA-256 of the public key's DER, base64url."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
