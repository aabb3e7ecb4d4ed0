"""The rules of `metadata`, the same for every kind. Pure.

Source of rules and words: k8s.io/apimachinery/pkg/api/validation/objectmeta.go, pkg/util/validation and
k8s.io/apiserver/pkg/registry/rest/{meta,update}.go.
"""

from collections.abc import Callable, Sequence
from typing import Any

from apiserver.kinds import names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Kind
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.meta import name_suffix

Object = dict[str, Any]

METADATA = Path("metadata")
OTHER_SERVERS = ("apiextensions.k8s.io", "apiregistration.k8s.io")  # as Kubernetes has it: they check less
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
NAME_BASE = 58  # a made name fits a label of 63: five random letters follow
GONE = ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def finalizers(found: Sequence[str] | None, path: Path) -> ErrorList:
    held = found or ()
    errors = [field.invalid(path, name, words) for name in held for words in names.qualified(name)]
    if ORPHAN in held and FOREGROUND in held:
        errors.append(field.invalid(path, list(held), f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"))
    return errors


def owner_references(found: Sequence[Object] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    controller = ""
    for owner in found or ():
        version = owner.get("apiVersion", "")
        if not version.rpartition("/")[2]:
            errors.append(field.invalid(path.child("apiVersion"), version, "version must not be empty"))
        errors += [
            field.invalid(path.child(name), owner.get(name, ""), "must not be empty")
            for name in ("kind", "name", "uid")
            if not owner.get(name)
        ]
        if version == "v1" and owner.get("kind") == "Event":
            errors.append(field.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
        if owner.get("controller"):
            if controller:
                both = f"{controller} and {owner.get('name')}"
                words = f'Only one reference can have Controller set to true. Found "true" in references for {both}'
                errors.append(field.invalid(path, list(found or ()), words))
            controller = controller or owner.get("name", "")
    return errors


def dedup_owners(meta: Object, warnings: list[str], *, mutated: bool = False) -> None:
    """An owner that is named twice in the same words is named once, and whoever said so is told. `mutated`: patches and
    admission have done their part. Source: k8s.io/apiserver/pkg/endpoints/handlers/rest.go."""
    kept: list[Object] = []
    twice: list[str] = []
    for owner in meta.get("ownerReferences") or ():
        if owner in kept:
            twice.append(owner.get("uid", ""))
        else:
            kept.append(owner)
    if not twice:
        return
    meta["ownerReferences"] = kept
    when = " after mutating admission happens" if mutated else ""
    words = (
        f".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and "
        f"may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
        f"{', '.join(twice)}"
    )
    if words not in warnings:
        warnings.append(words)


def _mask_dash(prefix: str) -> str:
    """A name prefix may end in a dash: more follows."""
    return prefix[:-1] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def validate(meta: Object, kind: Kind) -> ErrorList:
    """What a new object's metadata must be; also part of every update."""
    check: Callable[[str], Sequence[str]] = kind.validate_name or names.subdomain
    path = METADATA
    errors: ErrorList = []
    if generate := meta.get("generateName"):
        errors += [field.invalid(path.child("generateName"), generate, words) for words in check(_mask_dash(generate))]
    if name := meta.get("name"):
        errors += [field.invalid(path.child("name"), name, words) for words in check(name)]
    else:
        errors.append(field.required(path.child("name"), "name or generateName is required"))
    namespace = meta.get("namespace", "")
    if kind.namespaced and not namespace:
        errors.append(field.required(path.child("namespace")))
    elif not kind.namespaced and namespace:
        errors.append(field.forbidden(path.child("namespace"), "not allowed on this type"))
    return errors + validate_any(meta) + kube_finalizers(meta, kind)


def validate_any(meta: Object) -> ErrorList:
    """What every object's metadata must be, whatever its kind."""
    path = METADATA
    errors = validate_not_negative(meta.get("generation"), path.child("generation"))
    errors += names.labels(meta.get("labels"), path.child("labels"))
    errors += names.annotations(meta.get("annotations"), path.child("annotations"))
    errors += owner_references(meta.get("ownerReferences"), path.child("ownerReferences"))
    return errors + finalizers(meta.get("finalizers"), path.child("finalizers"))


def kube_finalizers(meta: Object, kind: Kind) -> ErrorList:
    """A finalizer without a domain is one of Kubernetes' own. Custom objects are warned only."""
    if kind.custom or kind.group in OTHER_SERVERS:
        return []
    words = "name is neither a standard finalizer name nor is it fully qualified"
    path = METADATA.child("finalizers")
    return [
        field.invalid(path.index(position), name, words)
        for position, name in enumerate(meta.get("finalizers") or ())
        if "/" not in name and name not in (ORPHAN, FOREGROUND, "kubernetes")
    ]


IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def validate_update(new: Object, old: Object) -> ErrorList:
    path = METADATA
    errors: ErrorList = []
    if old.get("deletionTimestamp"):
        errors += _no_new_finalizers(new.get("finalizers") or [], old.get("finalizers") or [], path.child("finalizers"))
    if new.get("generation", 0) < old.get("generation", 0):
        errors.append(field.invalid(path.child("generation"), new.get("generation", 0), "must not be decremented"))
    for name in IMMUTABLE:
        if new.get(name) != old.get(name):
            errors.append(field.invalid(path.child(name), new.get(name), "field is immutable"))
    errors += names.labels(new.get("labels"), path.child("labels"))
    errors += names.annotations(new.get("annotations"), path.child("annotations"))
    return errors + owner_references(new.get("ownerReferences"), path.child("ownerReferences"))


def _no_new_finalizers(new: Sequence[str], old: Sequence[str], path: Path) -> ErrorList:
    more = sorted(set(new) - set(old))
    if not more:
        return []
    shown = "[]string{" + ", ".join(field.show(name) for name in more) + "}"
    words = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
    return [field.forbidden(path, words)]


# What the server itself writes.


def begin(meta: Object) -> None:
    """A new object: what a client said of these fields does not count."""
    for name in (*GONE, "uid", "creationTimestamp", "resourceVersion"):
        meta.pop(name, None)


def stamp(meta: Object, uid: str, now: str) -> None:
    """What mutating admission does not see yet: who the object is, and the name that was asked for by its beginning."""
    for name in GONE:
        meta.pop(name, None)
    meta["uid"], meta["creationTimestamp"] = uid, now
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"][:NAME_BASE] + name_suffix()


def carry_over(new: Object, old: Object) -> None:
    """What an update leaves out or may not touch stays as it was."""
    new.pop("selfLink", None)
    for name in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if new.get(name) is None and old.get(name) is not None:
            new[name] = old[name]
    for name in ("creationTimestamp", "generation"):
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)
