"""The objects of one definition in each of its versions.

    stored ─▶ pruned and defaulted by the version that it is of ─▶ converted, where another is wanted ─▶ pruned by that

Source: crdConversionRESTOptionsGetter of k8s.io/apiextensions-apiserver, and pkg/apiserver/conversion.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from apiserver.crd.conversion import ConversionError, answered, checked, review
from apiserver.kinds.kind import Kind
from apiserver.refusal import Unexplained
from apiserver.schema.shape import Notes
from apiserver.structural.structural import Structural
from apiserver.webhook.client import CallFailed

Object = dict[str, Any]
Ask = Callable[[Object, Object], Awaitable[Object]]  # (clientConfig, review) to its answer; raises CallFailed


class CustomVersions:
    """One of a definition; `ask` calls its webhook. `kinds` is filled once the kinds are made."""

    exact = False

    def __init__(self, definition: Object, schemas: Mapping[str, Structural], ask: Ask) -> None:
        """`schemas` are of all versions, served or not, by apiVersion."""
        self._conversion = definition["spec"].get("conversion") or {}
        self.moves_fields = self._conversion.get("strategy") == "Webhook"
        self._schemas, self._ask = schemas, ask
        self.kinds: dict[str, Kind] = {}

    def kind(self, api_version: str) -> Kind | None:
        return self.kinds.get(api_version)

    async def convert(self, objects: Sequence[Object], to: Kind) -> list[Object]:
        made = [self._schema(str(obj["apiVersion"])).revive(obj) for obj in objects]
        wanted = to.api_version
        others = [position for position, obj in enumerate(made) if obj["apiVersion"] != wanted]
        if not others:
            return made
        if self.moves_fields:
            converted = await self._by_webhook([made[position] for position in others], wanted)
        else:
            converted = [{**made[position], "apiVersion": wanted} for position in others]
        for position, obj in zip(others, converted, strict=True):
            made[position] = self._schema(wanted).shape(obj, None, Notes())
        return made

    def _schema(self, api_version: str) -> Structural:
        found = self._schemas.get(api_version)
        if found is None:
            raise Unexplained(f"request to convert CR from an invalid group/version: {api_version}")
        return found

    async def _by_webhook(self, objects: list[Object], wanted: str) -> list[Object]:
        webhook = self._conversion.get("webhook") or {}
        first = objects[0]
        what = f"conversion webhook for {first['apiVersion']}, Kind={first['kind']}"
        asked = review(webhook.get("conversionReviewVersions") or (), objects, wanted, str(uuid.uuid4()))
        try:
            found = answered(asked, await self._ask(webhook.get("clientConfig") or {}, asked))
        except (CallFailed, ConversionError) as error:
            raise Unexplained(f"{what} failed: {error}") from None
        try:
            return checked(objects, found, wanted)
        except ConversionError as error:
            raise Unexplained(f"{what} {error}") from None
