"""MutatingAdmissionPolicy: policies change what is written, one after the other.

They are asked as webhooks are (`apiserver/admission/webhooks/mutating.py`): once, and those with reinvocationPolicy
IfNeeded once more where something changed after them.
Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/{dispatcher,patch}.
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from apiserver.admission.changed import become, shaped
from apiserver.admission.conditions import Expression
from apiserver.admission.inputs import Authorize, inputs, namespace_of
from apiserver.admission.plugin import Admission, Mutating
from apiserver.admission.policies.apply import Refused, applied, patched
from apiserver.admission.policies.compiled import Compiled, Evaluation
from apiserver.admission.policies.hooks import Binding, Hook, Hooks, Misconfigured
from apiserver.admission.webhooks.hooks import shown
from apiserver.admission.webhooks.mutating import Memory
from apiserver.cel import EvalError
from apiserver.cel.admission import MAKES
from apiserver.kinds.admissionregistration.mutating_admission_policy import FIELDS, RETURNS
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from podling.api.errors import ApiError

Object = dict[str, Any]


class Mutation(NamedTuple):
    patch_type: str
    expression: Expression


class MutatingPolicy(Compiled):
    def __init__(self, spec: Object) -> None:
        super().__init__(spec)
        self.again = spec.get("reinvocationPolicy") == "IfNeeded"
        self.mutations = [self._mutation(each) for each in spec.get("mutations") or ()]

    def _mutation(self, found: Object) -> Mutation:
        kind = found["patchType"]
        text = found[FIELDS[kind]]["expression"].strip()
        return Mutation(kind, self.expression(text, returns=(RETURNS[kind],), makes=MAKES))


class Invocation(NamedTuple):
    """A policy by one of its bindings, with one object of parameters."""

    hook: Hook[MutatingPolicy]
    binding: Binding
    kind: Kind
    params: Object | None

    @property
    def key(self) -> str:
        metadata = (self.params or {}).get("metadata") or {}
        parts = (self.hook.name, self.binding.name, metadata.get("namespace", ""), metadata.get("name", ""))
        return "/".join(parts)


class MutatingAdmissionPolicy(Mutating):
    name = "MutatingAdmissionPolicy"

    def __init__(self, lister: Lister, served: Callable[[], Iterable[Kind]], authorize: Authorize) -> None:
        self._lister, self._authorize = lister, authorize
        self._hooks = Hooks(lister, served, "mutating", MutatingPolicy)

    async def admit(self, write: Admission) -> None:
        hooks = self._hooks.all(write)
        if not hooks:
            return
        memory: Memory = write.rounds.kept.setdefault(self.name, Memory())
        if write.rounds.second and memory.left != write.object:
            memory.again()
        refusals: list[tuple[str, str]] = []
        for invocation in [each for hook in hooks for each in await self._invocations(hook, write, refusals)]:
            await self._invoke(invocation, write, memory, refusals)
        memory.left = copy.deepcopy(write.object)
        if refusals:
            raise _refusal(write, refusals)

    async def _invocations(
        self, hook: Hook[MutatingPolicy], write: Admission, refusals: list[tuple[str, str]]
    ) -> list[Invocation]:
        found: list[Invocation] = []
        try:
            kind = self._hooks.match(hook, write)
            for binding in hook.bindings if kind is not None else ():
                try:
                    if self._hooks.counts(binding, write):
                        params = await self._hooks.params(hook, binding, write)
                        found += [Invocation(hook, binding, kind, each) for each in params if kind is not None]
                except Misconfigured as error:
                    _refuse(hook, binding, str(error), "", refusals)
        except Misconfigured as error:
            _refuse(hook, None, str(error), "", refusals)
        return found

    async def _invoke(
        self, invocation: Invocation, write: Admission, memory: Memory, refusals: list[tuple[str, str]]
    ) -> None:
        hook, key = invocation.hook, invocation.key
        try:
            policy = hook.policy
        except Misconfigured as error:
            return _refuse(hook, None, str(error), "", refusals)
        try:
            if policy.conditions and not policy.conditions.hold((await self._evaluation(invocation, write)).inputs):
                return None
        except EvalError as error:
            return _refuse(hook, invocation.binding, str(error), "Invalid", refusals)
        if write.rounds.second and key not in memory.due:
            return None
        before = copy.deepcopy(write.object)
        for mutation in policy.mutations if write.object is not None else ():
            try:
                await self._mutate(mutation, invocation, write)
            except (EvalError, Refused) as error:
                _refuse(hook, invocation.binding, str(error), "Invalid", refusals)
        if before != write.object:
            memory.again()
            write.rounds.wanted = True
        if policy.again:
            memory.asked.add(key)
        return None

    async def _evaluation(self, invocation: Invocation, write: Admission) -> Evaluation:
        seen = await shown(write, invocation.kind)
        values = inputs(write, seen, self._authorize, namespace_of(write, self._lister))
        policy = invocation.hook.policy
        return Evaluation(policy, values | ({"params": invocation.params} if policy.params else {}))

    async def _mutate(self, mutation: Mutation, invocation: Invocation, write: Admission) -> None:
        """Raises `EvalError`, `Refused`, `ApiError`."""
        evaluation = await self._evaluation(invocation, write)
        made = evaluation.ask(mutation.expression)
        current: Object = evaluation.inputs["object"]
        if mutation.patch_type == "JSONPatch":
            new = patched(current, made)
        else:
            new = applied(current, made, mutation.expression, write, invocation.kind)
        if new is current:
            return
        new = shaped(write, invocation.kind, new)
        if new != current:
            await become(write, invocation.kind, new)


def _refuse(
    hook: Hook[MutatingPolicy], binding: Binding | None, why: str, reason: str, refusals: list[tuple[str, str]]
) -> None:
    """failurePolicy Ignore goes on without the policy."""
    if not hook.may_fail:
        whose = f"'{hook.name}' with binding '{binding.name}'" if binding else f"'{hook.name}'"
        refusals.append((f"policy {whose} denied request: {why}", reason))


def _refusal(write: Admission, refusals: list[tuple[str, str]]) -> ApiError:
    """A Forbidden, in code; its message and its reason are the first policy's."""
    refused = write.forbidden("")
    details = {**(refused.details or {}), "causes": [{"message": message} for message, _ in refusals]}
    made = type(refused)(refusals[0][0], details)
    if refusals[0][1]:
        made.reason = refusals[0][1]  # type: ignore[misc]
    return made
