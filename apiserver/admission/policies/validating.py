"""ValidatingAdmissionPolicy: what is written must make the policies' expressions true, where bindings say so.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/{dispatcher,validator}.go.
"""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from apiserver.admission.conditions import Expression
from apiserver.admission.inputs import Authorize, inputs, namespace_of
from apiserver.admission.plugin import Admission, Validating
from apiserver.admission.policies.compiled import Compiled, Evaluation
from apiserver.admission.policies.hooks import Binding, Hook, Hooks, Misconfigured
from apiserver.admission.webhooks.hooks import shown
from apiserver.cel import EvalError
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from podling.api.errors import BY_REASON, ApiError, Forbidden

log = logging.getLogger(__name__)

Object = dict[str, Any]

LONGEST_MESSAGE_BYTES, LONGEST_ANNOTATION = 5 * 1024, 10 * 1024
FAILURE = "validation.policy.admission.k8s.io/validation_failure"


class Validation(NamedTuple):
    expression: Expression
    message: str
    telling: Expression | None
    reason: str


class ValidatingPolicy(Compiled):
    def __init__(self, spec: Object) -> None:
        super().__init__(spec)
        self.validations = [self._validation(each) for each in spec.get("validations") or ()]
        self.annotations = {
            each["key"]: self.expression(each["valueExpression"].strip(), returns=("string", "null_type"))
            for each in spec.get("auditAnnotations") or ()
        }

    def _validation(self, found: Object) -> Validation:
        telling = found.get("messageExpression", "")
        return Validation(
            self.expression(found["expression"], returns=("bool",)),
            found.get("message", "").strip(),
            self.expression(telling, returns=("string",), authorizer=False) if telling else None,
            found.get("reason") or "Invalid",
        )


class Denial(NamedTuple):
    message: str
    reason: str = "Invalid"
    position: int = 0


class ValidatingAdmissionPolicy(Validating):
    name = "ValidatingAdmissionPolicy"

    def __init__(self, lister: Lister, served: Callable[[], Iterable[Kind]], authorize: Authorize) -> None:
        self._lister, self._authorize = lister, authorize
        self._hooks = Hooks(lister, served, "validating", ValidatingPolicy)

    async def validate(self, write: Admission) -> None:
        """All policies are asked; the first refusal is the answer."""
        refusals: list[ApiError] = []
        for hook in self._hooks.all(write):
            try:
                await self._policy(hook, write, refusals)
            except Misconfigured as error:
                if not hook.may_fail:
                    refusals.append(_refusal(write, hook.name, "", Denial(str(error))))
        if refusals:
            raise refusals[0]

    async def _policy(self, hook: Hook[ValidatingPolicy], write: Admission, refusals: list[ApiError]) -> None:
        kind = self._hooks.match(hook, write)
        if kind is None:
            return
        told: dict[str, list[str]] = {}
        values: Object | None = None
        for binding in hook.bindings:
            try:
                if not self._hooks.counts(binding, write):
                    continue
                params = await self._hooks.params(hook, binding, write)
            except Misconfigured as error:
                if not hook.may_fail:
                    refusals.append(_refusal(write, hook.name, binding.name, Denial(str(error))))
                continue
            if values is None:
                seen = await shown(write, kind)
                values = inputs(write, seen, self._authorize, namespace_of(write, self._lister))
            for each in params:
                evaluation = Evaluation(hook.policy, values | ({"params": each} if hook.policy.params else {}))
                denials = list(_judge(hook.policy, evaluation, told))
                self._act(hook, binding, denials, write, refusals)
        for key, values_told in told.items():
            write.annotations[f"{hook.name}/{key}"] = ", ".join(values_told)

    @staticmethod
    def _act(
        hook: Hook[ValidatingPolicy],
        binding: Binding,
        denials: Iterable[Denial],
        write: Admission,
        refusals: list[ApiError],
    ) -> None:
        actions = binding.spec.get("validationActions") or ()
        for denial in denials:
            for action in actions:
                if action == "Deny":
                    refusals.append(_refusal(write, hook.name, binding.name, denial))
                elif action == "Warn":
                    whose = f"ValidatingAdmissionPolicy '{hook.name}' with binding '{binding.name}'"
                    write.warnings.append(f"Validation failed for {whose}: {denial.message}")
                elif action == "Audit":
                    write.annotations.setdefault(FAILURE, _failure(hook, binding, denial))


def _judge(policy: ValidatingPolicy, evaluation: Evaluation, told: dict[str, list[str]]) -> Iterable[Denial]:
    try:
        if policy.conditions and not policy.conditions.hold(evaluation.inputs):
            return
    except EvalError as error:
        yield Denial(str(error))
        return
    for position, validation in enumerate(policy.validations):
        try:
            if evaluation.ask(validation.expression) is not True:
                yield Denial(_message(validation, evaluation), validation.reason, position)
        except EvalError as error:
            if not policy.may_fail:
                yield Denial(str(error), position=position)
    for key, expression in policy.annotations.items():
        try:
            _tell(told.setdefault(key, []), evaluation.ask(expression), expression)
        except EvalError as error:
            if not policy.may_fail:
                yield Denial(str(error))
    for key in [key for key, values in told.items() if not values]:
        del told[key]


def _message(validation: Validation, evaluation: Evaluation) -> str:
    """The expression's, the policy's own, or the expression itself."""
    if validation.telling is not None:
        try:
            said = evaluation.ask(validation.telling)
            text = said.strip() if isinstance(said, str) else ""
            if text and "\n" not in text and len(text.encode()) <= LONGEST_MESSAGE_BYTES:
                return text
        except EvalError as error:
            log.info("messageExpression failed error=%s", error)
    return validation.message or f"failed expression: {validation.expression.text.strip()}"


def _tell(values: list[str], value: Any, expression: Expression) -> None:
    if isinstance(value, str):
        text = value.strip()[:LONGEST_ANNOTATION]
        if text and text not in values:
            values.append(text)
    elif value is not None:
        words = "resulted in unsupported return type. Return type must be either string or null."
        raise EvalError(f"valueExpression '{expression.text}' {words}")


def _failure(hook: Hook[ValidatingPolicy], binding: Binding, denial: Denial) -> str:
    told = {
        "message": denial.message,
        "policy": hook.name,
        "binding": binding.name,
        "expressionIndex": denial.position,
        "validationActions": binding.spec.get("validationActions"),
    }
    return json.dumps([told], separators=(",", ":"))


def _refusal(write: Admission, policy: str, binding: str, denial: Denial) -> ApiError:
    whose = f"'{policy}' with binding '{binding}'" if binding else f"'{policy}'"
    message = f"ValidatingAdmissionPolicy {whose} denied request: {denial.message}"
    refused = write.forbidden(message)
    details = {**(refused.details or {}), "causes": [{"message": message}]}
    return BY_REASON.get(denial.reason, Forbidden)(refused.message, details)
