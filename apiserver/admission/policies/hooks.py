"""Policies with their bindings, as they are now: which of them mean a write, and with which parameters.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic/{policy_source,policy_dispatcher}.go.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from apiserver.admission.matching import GROUP, Matcher, Wanted
from apiserver.admission.plugin import Admission
from apiserver.admission.policies.compiled import Compiled
from apiserver.cel import Unavailable
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from podling.api import selectors
from podling.api.errors import ApiError, GroupResource

Object = dict[str, Any]
P = TypeVar("P", bound=Compiled)

# Everything: a binding without rules counts wherever its policy does.
ANY_RULE = ({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]},)
POLICIES = tuple(
    GroupResource(GROUP, f"{sort}admission{noun}")
    for sort in ("mutating", "validating")
    for noun in ("policies", "policybindings")
)
QUESTIONS = ("authentication.k8s.io", "authorization.k8s.io")  # no policy stands between a user and these answers


class Misconfigured(Exception):
    """What is wrong is the policy's or its binding's: failurePolicy says what follows."""

    def __init__(self, binding: Object | None, why: str) -> None:
        super().__init__(f"failed to configure {'policy' if binding is None else 'binding'}: {why}")
        self.binding = binding


@dataclass(frozen=True, slots=True)
class Binding:
    body: Object
    wanted: Wanted | None

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def spec(self) -> Object:
        found: Object = self.body["spec"]
        return found


@dataclass(slots=True)
class Hook(Generic[P]):
    """A policy that is bound somewhere. It is compiled when it is asked first."""

    body: Object
    wanted: Wanted
    bindings: tuple[Binding, ...]
    make: Callable[[Object], P]
    made: P | None = None

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def spec(self) -> Object:
        found: Object = self.body["spec"]
        return found

    @property
    def may_fail(self) -> bool:
        return bool(self.spec.get("failurePolicy") == "Ignore")

    @property
    def policy(self) -> P:
        """Raises `Misconfigured`."""
        if self.made is None:
            try:
                self.made = self.make(self.spec)
            except Unavailable as error:
                raise Misconfigured(None, str(error)) from None
        return self.made


class Hooks(Generic[P]):
    def __init__(
        self, lister: Lister, served: Callable[[], Iterable[Kind]], sort: str, make: Callable[[Object], P]
    ) -> None:
        self._lister, self._served, self._make = lister, served, make
        self.matcher = Matcher(lister, served)
        self._of = [each for each in POLICIES if each.resource.startswith(sort)]
        self._versions: tuple[int, ...] = ()
        self._hooks: tuple[Hook[P], ...] = ()

    def all(self, write: Admission) -> tuple[Hook[P], ...]:
        """In the order of their names; none of them judges policies, nor questions."""
        if write.kind.resource in POLICIES or write.kind.group in QUESTIONS:
            return ()
        versions = tuple(self._lister.version(each) for each in self._of)
        if versions != self._versions:
            self._hooks, self._versions = tuple(self._read()), versions
        return self._hooks

    def _read(self) -> Iterator[Hook[P]]:
        bound: dict[str, list[Binding]] = {}
        for body in sorted(self._lister.list(self._of[1]), key=_name):
            found = body["spec"].get("matchResources")
            bound.setdefault(body["spec"]["policyName"], []).append(Binding(body, found and _wanted(found)))
        known = {id(hook.body): hook for hook in self._hooks}
        for body in sorted(self._lister.list(self._of[0]), key=_name):
            if bindings := bound.get(body["metadata"]["name"]):
                before = known.get(id(body))  # the same object: nothing to compile anew
                wanted = Wanted.of(body["spec"]["matchConstraints"])
                yield Hook(body, wanted, tuple(bindings), self._make, before.made if before else None)

    def match(self, hook: Hook[P], write: Admission) -> Kind | None:
        """In whose version the policy sees the write; raises `Misconfigured`."""
        try:
            kind = self.matcher.match(write, hook.wanted)
        except ApiError as error:
            raise Misconfigured(None, error.message) from None
        if kind is not None and hook.spec.get("paramKind") and self._param_kind(hook) is None:
            version, name = hook.spec["paramKind"]["apiVersion"], hook.spec["paramKind"]["kind"]
            shown = f"{version if '/' in version else '/' + version}, Kind={name}"
            raise Misconfigured(None, f"failed to find resource referenced by paramKind: '{shown}'")
        return kind

    def counts(self, binding: Binding, write: Admission) -> bool:
        """Raises `Misconfigured`."""
        try:
            return binding.wanted is None or self.matcher.match(write, binding.wanted) is not None
        except ApiError as error:
            raise Misconfigured(binding.body, error.message) from None

    def _param_kind(self, hook: Hook[P]) -> Kind | None:
        said = hook.spec["paramKind"]
        named = (said["apiVersion"], said["kind"])
        return next((kind for kind in self._served() if (kind.api_version, kind.kind) == named and kind.stored), None)

    async def params(self, hook: Hook[P], binding: Binding, write: Admission) -> list[Object | None]:
        """One evaluation each; None where there are no parameters. Raises `Misconfigured`."""
        ref, kind = binding.spec.get("paramRef"), None
        if hook.spec.get("paramKind") and ref:
            kind = self._param_kind(hook)
        if kind is None or not ref:
            return [None]
        namespace = self._namespace(kind, ref, binding, write)
        resource = kind.home.resource
        if ref.get("name"):
            one = self._lister.get(resource, namespace or "", ref["name"])
            found = [] if one is None else [one]
        else:
            selector = selectors.from_object(ref.get("selector"))
            every = self._lister.list(resource, namespace)
            found = [each for each in every if selectors.matches(selector, each["metadata"].get("labels"))]
        if not found and ref.get("parameterNotFoundAction") == "Deny":
            words = "no params found for policy binding with `Deny` parameterNotFoundAction"
            raise Misconfigured(binding.body, words)
        if kind.versions is not None:
            found = await kind.versions.convert(found, kind)
        head = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [{**each, **head} for each in found]

    @staticmethod
    def _namespace(kind: Kind, ref: Mapping[str, Any], binding: Binding, write: Admission) -> str | None:
        if not kind.namespaced:
            if ref.get("namespace"):
                words = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
                raise Misconfigured(binding.body, words)
            return None
        namespace = ref.get("namespace") or write.namespace
        if not namespace:
            words = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            raise Misconfigured(binding.body, words)
        return str(namespace)


def _name(body: Object) -> str:
    return str(body["metadata"]["name"])


def _wanted(found: Object) -> Wanted:
    wanted = Wanted.of(found)
    return wanted if wanted.rules else wanted._replace(rules=ANY_RULE)
