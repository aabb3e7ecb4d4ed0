"""Reads the config maps, secrets and tokens that pods are made of from the API server.

Each is read anew whenever it is asked for, but for tokens, which are kept until they must be renewed, and immutable
objects, which are read once a pod. `followed` tells when to ask again.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lightkube.models import authentication_v1

from kubelet.downward import PodFacts
from kubelet.environment import Source
from kubelet.volumes.followed import OF_KIND, Followed, Key
from kubelet.volumes.payload import Parts, PayloadError, TokenNeed, bytes_of, needs
from podling.api.errors import ApiError, NotFound
from podling.client.client import Client
from podling.client.resource import Resource
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
TOKENS: Resource[Any] = Resource("", "v1", "serviceaccounts", "ServiceAccount", authentication_v1.TokenRequest)
RENEW_AT = 0.8  # of a token's life
RENEW_AFTER = timedelta(hours=24)  # at the latest


class _Token(NamedTuple):
    text: str
    renew_at: datetime
    ends_at: datetime


class Objects:
    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self.followed = Followed(client, clock)
        self._tokens: dict[tuple[str, TokenNeed], _Token] = {}
        self._immutable: dict[tuple[str, Source], Any] = {}

    async def get(self, source: Source, namespace: str) -> Any | None:
        """The typed object; None when it does not exist."""
        try:
            return await self._client.get(OF_KIND[source.kind], source.name, namespace)
        except NotFound:
            return None

    async def of_pod(self, source: Source, pod: Any) -> Any | None:
        """The same; the pod hears when it changes."""
        uid, namespace = pod.metadata.uid, pod.metadata.namespace
        if (kept := self._immutable.get((uid, source))) is not None:
            return kept
        item = await self.get(source, namespace)
        if item is not None and item.immutable:
            self._immutable[uid, source] = item
        else:
            version = None if item is None else item.metadata.resourceVersion
            self.followed.follow(uid, Key(namespace, source), version)
        return item

    async def parts(self, pod: Any, volume: Any, facts: PodFacts) -> Parts:
        sources, tokens = needs(volume)
        contents: dict[Source, Mapping[str, bytes] | None] = {}
        try:
            for source in sources:
                item = await self.of_pod(source, pod)
                contents[source] = None if item is None else bytes_of(item)
            return Parts(contents, {need: await self._token(pod, need) for need in tokens}, facts)
        except ApiError as error:
            raise PayloadError(error.message) from error

    async def _token(self, pod: Any, need: TokenNeed) -> str:
        """A kept one goes on as long as it may while the API server does not answer."""
        key, now = (pod.metadata.uid, need), self._clock.now()
        kept = self._tokens.get(key)
        if kept and now < kept.renew_at:
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
        namespace, account = pod.metadata.namespace, pod.spec.serviceAccountName or "default"
        try:
            answer = await self._client.create(TOKENS, request, namespace, name=account, subresource="token")
        except ApiError as error:
            if kept is None or now >= kept.ends_at:
                raise
            log.warning("token not renewed pod=%s/%s error=%s", namespace, pod.metadata.name, error)
            return kept.text
        text, ends_at = str(answer.status.token), answer.status.expirationTimestamp
        life = ends_at - now if ends_at else timedelta(seconds=need.expiration_seconds)
        self._tokens[key] = _Token(text, now + min(life * RENEW_AT, RENEW_AFTER), now + life)
        return text

    def forget(self, uid: str) -> None:
        self.followed.forget(uid)
        for key in [key for key in self._tokens if key[0] == uid]:
            del self._tokens[key]
        for kept in [kept for kept in self._immutable if kept[0] == uid]:
            del self._immutable[kept]

    def close(self) -> None:
        self.followed.close()
