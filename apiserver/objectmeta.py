"""The rules of `metadata`, the same for every kind. Pure.

Source of rules and words: k8s.io/apimachinery/pkg/api/validation/objectmeta.go, pkg/util/validation and
k8s.io/apiserver/pkg/registry/rest/{meta,update}.go.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from apiserver.kinds.kind import Kind
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.selectors import LABEL_KEY, LABEL_VALUE

Object = dict[str, Any]

METADATA = Path("metadata")
ANNOTATIONS_BYTES = 256 * 1024
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"

_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_QUALIFIED_WORDS = (
    "a valid label key "
    + LABEL_KEY.removeprefix("name part ")
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)


def subdomain(name: str) -> list[str]:
    """What is wrong with a DNS subdomain; nothing: []."""
    found = ["must be no more than 253 characters"] if len(name) > 253 else []
    return found if _SUBDOMAIN.fullmatch(name) else [*found, SUBDOMAIN]


def qualified_name(key: str) -> list[str]:
    """What is wrong with the key of a label, an annotation, a finalizer."""
    found: list[str] = []
    prefix, slash, name = key.partition("/")
    if not slash:
        name = key
    elif "/" in name:
        return [_QUALIFIED_WORDS]
    elif not prefix:
        found.append("prefix part must be non-empty")
    else:
        found += [f"prefix part {words}" for words in subdomain(prefix)]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    return found if _QUALIFIED.fullmatch(name) else [*found, LABEL_KEY]


def label_value(value: str) -> list[str]:
    found = ["must be no more than 63 bytes"] if len(value) > 63 else []
    return found if not value or _QUALIFIED.fullmatch(value) else [*found, LABEL_VALUE]


def labels(found: dict[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    for key, value in sorted((found or {}).items()):
        errors += [field.invalid(path, key, words) for words in qualified_name(key)]
        errors += [field.invalid(path, value, words) for words in label_value(value or "")]
    return errors


def annotations(found: dict[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    size = 0
    for key, value in sorted((found or {}).items()):
        errors += [field.invalid(path, key, words) for words in qualified_name(key.lower())]
        size += len(key.encode()) + len((value or "").encode())
    return [*errors, field.too_long(path, ANNOTATIONS_BYTES)] if size > ANNOTATIONS_BYTES else errors


def finalizers(found: Sequence[str] | None, path: Path) -> ErrorList:
    names = found or ()
    errors = [field.invalid(path, name, words) for name in names for words in qualified_name(name)]
    if ORPHAN in names and FOREGROUND in names:
        errors.append(field.invalid(path, list(names), f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"))
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


def _mask_dash(prefix: str) -> str:
    """A name prefix may end in a dash: more follows."""
    return prefix[:-1] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def validate(meta: Object, kind: Kind) -> ErrorList:
    """What a new object's metadata must be; also part of every update."""
    check: Callable[[str], Sequence[str]] = kind.validate_name or subdomain
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
    return errors + validate_any(meta) + kube_finalizers(meta)


def validate_any(meta: Object) -> ErrorList:
    """What every object's metadata must be, whatever its kind."""
    path = METADATA
    errors: ErrorList = []
    if meta.get("generation", 0) < 0:
        words = "must be greater than or equal to 0"
        errors.append(field.invalid(path.child("generation"), meta["generation"], words))
    errors += labels(meta.get("labels"), path.child("labels"))
    errors += annotations(meta.get("annotations"), path.child("annotations"))
    errors += owner_references(meta.get("ownerReferences"), path.child("ownerReferences"))
    return errors + finalizers(meta.get("finalizers"), path.child("finalizers"))


def kube_finalizers(meta: Object) -> ErrorList:
    """A finalizer without a domain is one of Kubernetes' own."""
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
    errors += labels(new.get("labels"), path.child("labels"))
    errors += annotations(new.get("annotations"), path.child("annotations"))
    return errors + owner_references(new.get("ownerReferences"), path.child("ownerReferences"))


def _no_new_finalizers(new: Sequence[str], old: Sequence[str], path: Path) -> ErrorList:
    more = sorted(set(new) - set(old))
    if not more:
        return []
    shown = "[]string{" + ", ".join(field.show(name) for name in more) + "}"
    words = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
    return [field.forbidden(path, words)]


# What the server itself writes.


def begin(meta: Object, uid: str, now: str) -> None:
    """Stamp a new object; what a client said of these fields does not count."""
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"):
        meta.pop(name, None)
    meta["uid"], meta["creationTimestamp"] = uid, now


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
