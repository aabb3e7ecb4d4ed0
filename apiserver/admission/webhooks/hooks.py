"""The webhooks of all configurations, and the call of one: what both plugins have in common."""

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apiserver.admission.conditions import MatchConditions
from apiserver.admission.inputs import Authorize, inputs, namespace_of
from apiserver.admission.matching import Matcher, Wanted, is_exempt
from apiserver.admission.plugin import Admission
from apiserver.admission.webhooks import review
from apiserver.admission.webhooks.review import Denied, Shown, Unusable, Verdict
from apiserver.cel import EvalError, Inputs, Unavailable
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.webhook.client import CallFailed, WebhookClient
from podling.api import errors
from podling.api.errors import BadRequest, GroupResource, InternalError
from podling.api.field import show

log = logging.getLogger(__name__)

Object = dict[str, Any]

SAFE = ("None", "NoneOnDryRun")


@dataclass(frozen=True)
class Hook:
    """One webhook of one configuration. `uid` tells it from all others."""

    configuration: str
    uid: str
    spec: Mapping[str, Any]
    wanted: Wanted

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @cached_property
    def conditions(self) -> MatchConditions:
        return MatchConditions(self.spec.get("matchConditions") or (), params=False, may_fail=self.may_fail)

    @property
    def may_fail(self) -> bool:
        return bool(self.spec.get("failurePolicy") == "Ignore")


class CallError(Exception):
    """The webhook did not answer, or not so that it can be used. What follows is its failurePolicy's."""

    def __init__(self, hook: Hook, why: str) -> None:
        super().__init__(f"failed calling webhook {show(hook.name)}: {why}")

    def as_refusal(self) -> InternalError:
        return internal(str(self))


def internal(words: str) -> InternalError:
    return InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})


class Hooks:
    """The webhooks of one kind of configuration, in the order of the configurations' names."""

    def __init__(
        self,
        lister: Lister,
        configurations: GroupResource,
        served: Callable[[], Iterable[Kind]],
        client: WebhookClient,
        authorize: Authorize,
    ) -> None:
        self._lister, self._configurations, self._client = lister, configurations, client
        self._authorize = authorize
        self._matcher = Matcher(lister, served)
        self._version, self._hooks = -1, ()  # type: int, tuple[Hook, ...]

    def all(self) -> tuple[Hook, ...]:
        version = self._lister.version(self._configurations)
        if version != self._version:
            self._hooks, self._version = tuple(self._read()), version
        return self._hooks

    def _read(self) -> Iterable[Hook]:
        for found in sorted(self._lister.list(self._configurations), key=lambda each: each["metadata"]["name"]):
            name = found["metadata"]["name"]
            for position, spec in enumerate(found.get("webhooks") or ()):
                yield Hook(name, f"{name}/{spec['name']}/{position}", spec, Wanted.of(spec))

    async def meant(self, hook: Hook, write: Admission) -> Shown | None:
        """The write as the webhook is to see it; None where it is not asked. Raises Forbidden where its match
        conditions have no answer."""
        kind = None if is_exempt(write) else self._matcher.match(write, hook.wanted)
        seen = None if kind is None else await shown(write, kind)
        if seen is None or not hook.spec.get("matchConditions"):
            return seen
        values = Inputs(inputs(write, seen, self._authorize, namespace_of(write, self._lister)))
        try:
            return seen if hook.conditions.hold(values) else None
        except (EvalError, Unavailable) as error:
            resource = GroupResource(write.kind.group, write.kind.plural)
            raise errors.forbidden(resource, write.name, str(error)) from None

    async def ask(self, hook: Hook, write: Admission, seen: Shown, mutating: bool) -> Verdict:
        """Raises `CallError`; `BadRequest` where a dry run would not be one; `Denied`."""
        if write.dry_run and hook.spec.get("sideEffects") not in SAFE:
            raise BadRequest(f"admission webhook {show(hook.name)} does not support dry run")
        uid = str(uuid.uuid4())
        try:
            version = review.version_of(hook.spec.get("admissionReviewVersions") or ())
        except Unusable as error:
            raise CallError(hook, str(error)) from None
        body = review.question(write, seen, uid, version)
        try:
            answer = await self._client.call(dict(hook.spec["clientConfig"]), body, hook.spec.get("timeoutSeconds"))
        except CallFailed as error:
            raise CallError(hook, f"failed to call webhook: {error}") from None
        try:
            found = review.verdict(answer, uid, version, mutating)
        except Unusable as error:
            raise CallError(hook, f"received invalid webhook response: {error}") from None
        write.annotations.update({f"{hook.name}/{key}": value for key, value in found.annotations.items()})
        write.warnings += found.warnings
        if not found.allowed:
            log.info("write denied webhook=%s operation=%s name=%s", hook.name, write.operation, write.name)
            raise Denied(hook.name, found.result)
        return found


async def shown(write: Admission, kind: Kind) -> Shown:
    """In the version of `kind`."""
    objects = [_enveloped(write, each) for each in (write.object, write.old)]
    if kind is not write.kind and kind.versions is not None:
        there = [each for each in objects if each is not None]
        made = iter(await kind.versions.convert(there, kind))
        objects = [None if each is None else next(made) for each in objects]
    return Shown(kind, *objects)


def _enveloped(write: Admission, found: Object | None) -> Object | None:
    """With its kind and apiVersion; through a view (a Scale) as the view shows it."""
    if found is None:
        return None
    sub = write.kind.subresource(write.subresource) if write.subresource else None
    if sub is not None and sub.view is not None and "spec" in found:
        found = sub.view.read(found)
    named = review.gvk(write.kind, write.subresource)
    version = f"{named['group']}/{named['version']}" if named["group"] else named["version"]
    return {**found, "kind": named["kind"], "apiVersion": version}
