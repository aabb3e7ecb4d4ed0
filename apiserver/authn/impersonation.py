"""Acting as somebody else: the Impersonate-* headers, and who may send them.

Each mode that fits the wanted user is tried in turn until one allows it; the first refusal is what the caller reads.

    mode              fits                                     asks for
    associated-node   the node that a service account runs on  impersonate-on:<mode>:<verb> of the request itself,
    arbitrary-node    system:node:<name>                       then impersonate:<mode> of every part of the user
    serviceaccount    system:serviceaccount:<ns>:<name>        (group authentication.k8s.io)
    user-info         everybody else
    legacy            everybody                                impersonate of every part (users and groups: group "")

Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation (Kubernetes 1.36), KEP-5284.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from apiserver.authn.authenticator import AUTHENTICATED, UNAUTHENTICATED
from apiserver.authn.tokens import account_groups
from apiserver.authz.authorizer import MASTERS, Authorizer
from apiserver.authz.decision import Decision, forbidden_error
from apiserver.request import ANONYMOUS, Attributes, User
from podling.api.errors import BadRequest, Forbidden
from podling.api.field import show

AUTHENTICATION = "authentication.k8s.io"
ACCOUNT_PREFIX = "system:serviceaccount:"
NODE_PREFIX = "system:node:"
NODE_NAME_KEY = "authentication.kubernetes.io/node-name"
EXTRA_PREFIX = "impersonate-extra-"


def impersonated(user: User, headers: Mapping[str, str], asked: Attributes, authorizer: Authorizer) -> User:
    """Whom the request acts as: `user` where no header says otherwise. Raises `BadRequest` and `Forbidden`.

    `headers` may hold a name several times (a multi-dictionary), in any case.
    """
    wanted = wanted_user(headers)
    if wanted is None:
        return user
    first: Forbidden | None = None
    for mode in MODES:
        if not mode.fits(wanted, user):
            continue
        try:
            return mode.check(wanted, replace(asked, user=user), authorizer)
        except Forbidden as refused:
            first = first or refused
    assert first is not None  # the legacy mode fits everybody
    raise first


def wanted_user(headers: Mapping[str, str]) -> User | None:
    name, uid = "", ""
    groups: list[str] = []
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        lowered = header.lower()
        if not lowered.startswith("impersonate-"):
            continue
        if lowered == "impersonate-user":
            name = name or value
        elif lowered == "impersonate-uid":
            uid = uid or value
        elif lowered == "impersonate-group":
            groups.append(value)
        elif lowered.startswith(EXTRA_PREFIX):
            key = unquote(lowered.removeprefix(EXTRA_PREFIX))
            extra[key] = (*extra.get(key, ()), value)
    if name:
        return User(name, tuple(groups), uid, extra)
    if groups or uid or extra:
        shown = f'&user.DefaultInfo{{Name:"", UID:{show(uid)}, Groups:{_go(groups)}, Extra:{_go_map(extra)}}}'
        raise BadRequest(f"requested {shown} without impersonating a user name")
    return None


def _go(words: list[str] | tuple[str, ...]) -> str:
    return "[]string{" + ", ".join(show(word) for word in words) + "}" if words else "[]string(nil)"


def _go_map(extra: Mapping[str, tuple[str, ...]]) -> str:
    pairs = ", ".join(f"{show(key)}:{_go(values)}" for key, values in sorted(extra.items()))
    return f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"


@dataclass(frozen=True, slots=True)
class Mode:
    name: str  # "" is legacy
    fits: Callable[[User, User], bool]  # (wanted, requestor)

    def check(self, wanted: User, asked: Attributes, authorizer: Authorizer) -> User:
        if self.name:
            _require(authorizer, replace(asked, verb=f"impersonate-on:{self.name}:{asked.verb}"))
        user = self._with_groups(wanted)
        for part in self._parts(wanted, asked.user):
            _require(authorizer, part)
        return user

    def _with_groups(self, wanted: User) -> User:
        groups = wanted.groups
        account, node = _account(wanted.name), _node(wanted.name)
        if self.name and node is not None:
            groups = ("system:nodes",)
        elif account is not None and not groups:
            groups = account_groups(account[0])
        if wanted.name == ANONYMOUS.name:
            groups = groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
        elif UNAUTHENTICATED not in groups and AUTHENTICATED not in groups:
            groups = (*groups, AUTHENTICATED)
        return replace(wanted, groups=groups)

    def _parts(self, wanted: User, requestor: User) -> Iterator[Attributes]:
        """What the requestor must be allowed, one question after the other."""
        verb = f"impersonate:{self.name}" if self.name else "impersonate"
        group = AUTHENTICATION if self.name else ""

        def part(of: str, resource: str, name: str, namespace: str = "", subresource: str = "") -> Attributes:
            return Attributes(requestor, verb, of, "v1", resource, subresource, namespace, name)

        account, node = _account(wanted.name), _node(wanted.name)
        if self.name and node is not None:
            yield part(group, "nodes", "*" if self.name == "associated-node" else node)
        elif account is not None:
            yield part(group, "serviceaccounts", account[1], account[0])
        else:
            yield part(group, "users", wanted.name)
        if wanted.uid:
            yield part(AUTHENTICATION, "uids", wanted.uid)
        for name in wanted.groups:
            if self.name and name in {"", MASTERS}:
                shown = name or "empty string"
                words = f"impersonating the {shown} group is not allowed"
                raise forbidden_error(part(group, "groups", name), Decision(False, words))
            yield part(group, "groups", name)
        for key, values in wanted.extra.items():
            for value in values:
                yield part(AUTHENTICATION, "userextras", value, "", key)


def _require(authorizer: Authorizer, asked: Attributes) -> None:
    decision = authorizer.authorize(asked)
    if not decision.allowed:
        raise forbidden_error(asked, decision)


def _account(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name."""
    namespace, colon, account = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    found = name.startswith(ACCOUNT_PREFIX) and colon and namespace and account and ":" not in account
    return (namespace, account) if found else None


def _node(name: str) -> str | None:
    node = name.removeprefix(NODE_PREFIX)
    return node if name.startswith(NODE_PREFIX) and node and node == node.lower() else None


def _only_name(wanted: User) -> bool:
    return not (wanted.uid or wanted.groups or wanted.extra)


def _is_associated(wanted: User, requestor: User) -> bool:
    node = _node(wanted.name)
    is_account = _account(requestor.name) is not None
    return node is not None and is_account and requestor.extra.get(NODE_NAME_KEY) == (node,)


MODES = (
    Mode("associated-node", lambda wanted, requestor: _only_name(wanted) and _is_associated(wanted, requestor)),
    Mode("arbitrary-node", lambda wanted, _: _only_name(wanted) and _node(wanted.name) is not None),
    Mode("serviceaccount", lambda wanted, _: _only_name(wanted) and _account(wanted.name) is not None),
    Mode("user-info", lambda wanted, _: _account(wanted.name) is None and _node(wanted.name) is None),
    Mode("", lambda *_: True),
)
