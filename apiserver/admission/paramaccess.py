"""Who writes a policy or a binding may read its parameters: they show in messages.

In Kubernetes the strategies of these kinds ask this, once an object is valid.
Source: kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy{,binding}/authz.go.
"""

from collections.abc import Callable, Iterable
from typing import Any

from apiserver.admission.matching import GROUP
from apiserver.admission.plugin import Admission, Validating
from apiserver.authz.authorizer import MASTERS
from apiserver.authz.decision import Decision
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.request import Attributes, User
from podling.api import errors, field
from podling.api.errors import ApiError, GroupResource

Object = dict[str, Any]

POLICIES = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
BINDINGS = ("validatingadmissionpolicybindings", "mutatingadmissionpolicybindings")
SPEC = field.Path("spec")


class ParamAccess(Validating):
    name = "ParamAccess"

    def __init__(
        self, lister: Lister, served: Callable[[], Iterable[Kind]], authorize: Callable[[Attributes], Decision]
    ) -> None:
        self._lister, self._served, self._authorize = lister, served, authorize

    async def validate(self, write: Admission) -> None:
        if write.kind.group != GROUP or write.object is None or write.subresource or MASTERS in write.user.groups:
            return
        spec, old = write.object.get("spec") or {}, (write.old or {}).get("spec") or {}
        if write.kind.plural in POLICIES:
            self._policy(write, spec.get("paramKind"), old.get("paramKind"))
        elif write.kind.plural in BINDINGS:
            same = spec.get("paramRef") == old.get("paramRef") and spec.get("policyName") == old.get("policyName")
            if spec.get("paramRef") and not same:
                self._binding(write, spec)

    def _policy(self, write: Admission, kind: Object | None, old: Object | None) -> None:
        if not kind or kind == old:
            return
        if not self._may_get(write.user, kind, "*", "*"):
            named = f"(kind={kind.get('kind')}, apiVersion={kind.get('apiVersion')})"
            words = f'must have "get" permission on all objects of the referenced paramKind {named}'
            raise _refused(write, SPEC.child("paramKind"), f"user {_shown(write.user)} {words}")

    def _binding(self, write: Admission, spec: Object) -> None:
        resource = GroupResource(GROUP, write.kind.plural.replace("policybindings", "policies"))
        policy = self._lister.get(resource, "", spec.get("policyName", ""))
        kind, ref = ((policy or {}).get("spec") or {}).get("paramKind"), spec["paramRef"]
        if not self._may_get(write.user, kind, ref.get("namespace", ""), ref.get("name", "")):
            words = 'does not have "get" permission on the object referenced by paramRef'
            raise _refused(write, SPEC.child("paramRef"), f"user {_shown(write.user)} {words}")

    def _may_get(self, user: User, said: Object | None, namespace: str, name: str) -> bool:
        """Where nobody knows the kind, the right to everything is asked."""
        group = version = resource = "*"
        if said:
            api_version = said.get("apiVersion", "")
            group, _, version = api_version.rpartition("/")
            known = (
                kind for kind in self._served() if (kind.api_version, kind.kind) == (api_version, said.get("kind"))
            )
            resource = next((kind.plural for kind in known), "*")
        asked = Attributes(user, "get", group, version, resource, "", namespace, name)
        return self._authorize(asked).allowed


def _shown(user: User) -> str:
    """As Go prints a pointer to user.DefaultInfo."""
    extra = " ".join(f"{key}:[{' '.join(values)}]" for key, values in sorted(user.extra.items()))
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[{extra}]}}"


def _refused(write: Admission, path: field.Path, words: str) -> ApiError:
    return errors.invalid(GROUP, write.kind.kind, write.name, [field.forbidden(path, words)])
