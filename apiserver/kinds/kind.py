"""One declaration a kind: everything that the generic verbs need to know of it.

Adding a kind is adding a file under `apiserver/kinds/` and a line in `apiserver/kinds/__init__.py: KINDS`.
All functions here are pure and take plain JSON objects.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from apiserver.schema.schema import Schema
from podling.api.errors import GroupResource
from podling.api.field import ErrorList

Object = dict[str, Any]


class Column(NamedTuple):
    """One column of `kubectl get`: `cell` computes its value from the object. Priority 1 shows with `-o wide` only."""

    name: str
    type: str
    description: str
    cell: Callable[[Object], Any]
    format: str = ""
    priority: int = 0


def _nothing(_: Object) -> None:
    pass


def _valid(_: Object) -> ErrorList:
    return []


def _may_change(_new: Object, _old: Object) -> ErrorList:
    return []


class View(NamedTuple):
    """A subresource whose bodies are of another kind, made of the object: a Deployment's Scale. `read` gives it,
    `write` (body, object) changes the object as the body says, `validate` looks at the body, `kind` has its columns."""

    read: Callable[[Object], Object]
    write: Callable[[Object, Object], None]
    validate: Callable[[Object], ErrorList] = _valid
    kind: "Kind | None" = None
    base: Callable[[Object], Object] | None = None  # what a patch starts from; None: what `read` gives
    renamed: tuple[str, str] = ("", "")  # a field of the object, and what conflicts of an apply call it here


@dataclass(frozen=True)
class Subresource:
    """A path below an object: `pods/status`, `pods/binding`, `pods/log`.

    `kind` and its group and version are what bodies there say, when it is not the parent's own ("Binding", "Scale").
    A status-like subresource has `prepare_update` and `validate_update`: the generic update then serves it. The others
    (`log`, `exec`, `binding`, `eviction`, `token`) are served by a handler that `apiserver/verbs` knows by
    (resource, subresource).
    """

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""
    also: tuple[str, ...] = ()  # other versions that bodies may say: "policy/v1beta1", of the same form
    schema: Schema | None = None
    prepare_update: Callable[[Object, Object], None] | None = None  # (new, old): put back what this path may not change
    validate_update: Callable[[Object, Object], ErrorList] = _may_change
    warn: Callable[[Object], Sequence[str]] = lambda _: ()
    view: View | None = None


class Ranges(NamedTuple):
    """What services get their addresses and ports from: a CIDR, and the least and the greatest port."""

    addresses: str = "10.97.0.0/16"
    node_ports: tuple[int, int] = (30000, 32767)


class Versions(Protocol):
    """How the objects of a resource that is served in several versions become each other's."""

    @property
    def exact(self) -> bool:
        """An object that is stored in the version asked for is shown as it is. Custom kinds prune and default it."""

    @property
    def moves_fields(self) -> bool:
        """Nobody knows how, a webhook converts: selectors ask an object in the version that is asked for."""

    def kind(self, api_version: str) -> "Kind | None":
        """The version that is served under this name, if one is."""

    async def convert(self, objects: Sequence[Object], to: "Kind") -> list[Object]:
        """The objects in that version, in order. Each given one says its own apiVersion and stays as it is; parts of it
        may be in what is made of it."""


Allocate = Callable[[Object, Object | None, Iterable[Object], Ranges], ErrorList]


@dataclass(frozen=True, eq=False)
class Kind:
    """Group, version and names; schema; defaults; validation; what a create or an update may touch; columns.

    One kind is one version of a resource. A write runs in the version that its client speaks; what is stored is the
    hub's. Kinds are compared by identity.
    """

    group: str
    version: str
    kind: str
    plural: str
    schema: Schema
    namespaced: bool = True
    singular: str = ""  # "" is the kind in lower case
    list_kind: str = ""  # "" is the kind with List behind
    list_schema: Schema | None = None  # of its lists, where the models of the built-in kinds have none
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

    # The order in which a create runs: default, (admission), prepare_create, validate.
    default: Callable[[Object], None] = _nothing
    prepare_create: Callable[[Object], None] = _nothing  # drop status, set generation …
    prepare_update: Callable[[Object, Object], None] | None = None  # (new, old); None: only metadata rules apply
    allocate: Allocate | None = None  # (new, old, all others, ranges): what no two may have, before `validate`
    validate: Callable[[Object], ErrorList] = _valid
    validate_create: Callable[[Object], ErrorList] = _valid  # besides `validate`, of new objects only
    validate_update: Callable[[Object, Object], ErrorList] = _may_change  # (new, old), besides `validate(new)`
    validate_name: Callable[[str], Sequence[str]] | None = None  # the messages for metadata.name; None: a DNS subdomain
    warn: Callable[[Object], Sequence[str]] = lambda _: ()  # Warning headers for what is valid but unwise
    warn_update: Callable[[Object, Object], Sequence[str]] | None = None  # (new, old); None: as `warn`

    generation: tuple[str, ...] = ()  # metadata.generation counts the changes of these: "spec", "metadata.annotations"
    grace_seconds: Callable[[Object], int] | None = None  # deletion is graceful by default, this long; 0: at once
    mark: Callable[[Object, str], None] | None = None  # (object, now): all that the first DELETE does is to mark it so
    terminate: Callable[[Object], None] | None = None  # deletion has two phases; spec.finalizers hold it (namespaces)
    orphans: bool = False  # what it owns stays when it is deleted, unless the client says otherwise
    warn_orphans: str = ""  # and what the client is told then
    returns_deleted: bool = False  # DELETE answers with the object that went, not with a Status
    deprecated: str = ""  # the Warning that every call of it is answered with
    unconditional_update: bool = True  # PUT without a resourceVersion is accepted
    ttl_seconds: int = 0  # objects vanish this long after their last write (events)
    create_on_update: bool = False  # PUT to a name that does not exist creates it
    selectable: Callable[[Object], Mapping[str, str]] = lambda _: {}  # fields besides metadata.name and .namespace
    field_labels: Mapping[str, str] = field(default_factory=dict)  # a version's own names of the hub's fields
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()  # () is Name and Created At
    row_order: Callable[[Object], Any] | None = None  # by what the rows of a Table are sorted; None: by name
    standing_annotations: tuple[str, ...] = ()  # they stand for fields of the internal form: metadata alone lacks them
    row_conditions: Callable[[Object], Sequence[Object]] = lambda _: ()  # what a Table's row says of an object's end

    hub: "Kind | None" = None  # another version of this one is what is stored
    versions: Versions | None = None  # None: what is stored is what is served
    stored: bool = True  # False: only a question is answered (SubjectAccessReview, TokenReview, Binding)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition made it."""
        return self.schema.custom

    @property
    def home(self) -> "Kind":
        """The kind whose keys and cache this one shares."""
        return self.hub or self

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def subresource(self, name: str) -> Subresource | None:
        return next((sub for sub in self.subresources if sub.name == name), None)
