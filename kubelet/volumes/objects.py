"""Reads the config maps, secrets and tokens that pods are made of from the API server."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lightkube.models import authentication_v1

from kubelet.downward import PodFacts
from kubelet.environment import Source
from kubelet.volumes.payload import Parts, PayloadError, TokenNeed, bytes_of, needs
from podling.api.errors import ApiError, NotFound
from podling.client.client import Client
from podling.client.resource import CONFIG_MAPS, SECRETS, Resource
from podling.loop.clock import Clock

OF_KIND: dict[str, Resource[Any]] = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}
TOKENS: Resource[Any] = Resource("", "v1", "serviceaccounts", "ServiceAccount", authentication_v1.TokenRequest)
RENEW_AT = 0.8  # of a token's life


class _Token(NamedTuple):
    text: str
    renew_at: datetime


class Objects:
    """Tokens are kept until they must be renewed; everything else is read anew each time."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._tokens: dict[tuple[str, TokenNeed], _Token] = {}

    async def get(self, source: Source, namespace: str) -> Any | None:
        """The typed object; None when it does not exist."""
        try:
            return await self._client.get(OF_KIND[source.kind], source.name, namespace)
        except NotFound:
            return None

    async def parts(self, pod: Any, volume: Any, facts: PodFacts) -> Parts:
        sources, tokens = needs(volume)
        contents: dict[Source, Mapping[str, bytes] | None] = {}
        try:
            for source in sources:
                item = await self.get(source, pod.metadata.namespace)
                contents[source] = None if item is None else bytes_of(item)
            return Parts(contents, {need: await self._token(pod, need) for need in tokens}, facts)
        except ApiError as error:
            raise PayloadError(error.message) from error

    async def _token(self, pod: Any, need: TokenNeed) -> str:
        key = (pod.metadata.uid, need)
        kept = self._tokens.get(key)
        if kept and self._clock.now() < kept.renew_at:
            return kept.text
        bound = {"kind": "Pod", "apiVersion": "v1", "name": pod.metadata.name, "uid": pod.metadata.uid}
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [need.audience] if need.audience else [],
                "expirationSeconds": need.expiration_seconds,
                "boundObjectRef": bound,
            },
        }
        account = pod.spec.serviceAccountName or "default"
        answer = await self._client.create(TOKENS, request, pod.metadata.namespace, name=account, subresource="token")
        text = str(answer.status.token)
        life = timedelta(seconds=need.expiration_seconds * RENEW_AT)
        self._tokens[key] = _Token(text, self._clock.now() + life)
        return text

    def forget(self, uid: str) -> None:
        for key in [key for key in self._tokens if key[0] == uid]:
            del self._tokens[key]
