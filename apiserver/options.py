"""The query and the option objects of each verb: read, checked, in Kubernetes' words. Pure.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation and pkg/apis/meta/internalversion/validation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from multidict import MultiMapping

from apiserver.kinds.kind import Kind
from apiserver.objects.deletion import DeleteOptions
from apiserver.objects.watcher import Filter
from apiserver.refusal import Unexplained
from podling.api import field
from podling.api.errors import BadRequest, invalid
from podling.api.field import ErrorList, Path
from podling.api.selectors import Selector
from podling.api.selectortext import SelectorError, parse_fields, parse_labels

Options = Mapping[str, str]

APPLY = "application/apply-patch+yaml"

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MOST = 2**63


def integer(options: Options, name: str) -> int | None:
    text = options.get(name, "")
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise BadRequest(f"strconv.ParseInt: parsing {field.show(text)}: invalid syntax")
    if not -_MOST <= int(text) < _MOST:
        raise BadRequest(f"strconv.ParseInt: parsing {field.show(text)}: value out of range")
    return int(text)


def every(options: Options, name: str) -> list[str]:
    """All that a query says of one name, which may stand in it more than once."""
    if isinstance(options, MultiMapping):
        return list(options.getall(name, ()))
    return [options[name]] if name in options else []


def boolean(options: Options, name: str) -> bool:
    """Anything but false and 0 is true, if it is there at all."""
    return name in options and options[name].lower() not in ("false", "0")


def version(options: Options) -> int:
    """resourceVersion of a get or a watch; raises a 500 as Kubernetes does."""
    text = options.get("resourceVersion", "")
    if not text:
        return 0
    try:
        return parse_version(text)
    except ValueError as error:
        raise Unexplained(f"resourceVersion: Invalid value: {field.show(text)}: {error}") from None


def parse_version(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"strconv.ParseUint: parsing {field.show(text)}: invalid syntax")
    if int(text) >= 2 * _MOST:
        raise ValueError(f"strconv.ParseUint: parsing {field.show(text)}: value out of range")
    return int(text)


@dataclass(frozen=True, slots=True)
class ListOptions:
    labels: Selector
    fields: Selector
    limit: int
    continue_: str
    resource_version: str
    match: str
    watch: bool
    bookmarks: bool
    send_initial: bool | None
    timeout_seconds: int | None

    def filter(self, namespace: str) -> Filter:
        """An object that the field selector names is looked up, not looked for."""
        names = [each.values[0] for each in self.fields if each.key == "metadata.name" and each.operator == "="]
        return Filter(namespace, names[0] if names else "", self.labels, self.fields)


def list_options(options: Options, kind: Kind) -> ListOptions:
    try:
        labels = parse_labels(options.get("labelSelector", ""))
        fields = parse_fields(options.get("fieldSelector", ""))
    except SelectorError as error:
        raise BadRequest(str(error)) from None
    read = ListOptions(
        labels=labels,
        fields=tuple(each._replace(key=kind.field_labels.get(each.key, each.key)) for each in fields),
        limit=integer(options, "limit") or 0,
        continue_=options.get("continue", ""),
        resource_version=options.get("resourceVersion", ""),
        match=options.get("resourceVersionMatch", ""),
        watch=boolean(options, "watch"),
        bookmarks=boolean(options, "allowWatchBookmarks"),
        send_initial=boolean(options, "sendInitialEvents") if "sendInitialEvents" in options else None,
        timeout_seconds=integer(options, "timeoutSeconds"),
    )
    if read.watch and read.resource_version in ("", "0") and not read.match and read.send_initial is None:
        read = replace(
            read, send_initial=True, match="NotOlderThan"
        )  # such a watch has always begun with what is there
    if errors := _check_watch(read) if read.watch else _check_list(read):
        raise invalid("meta.k8s.io", "ListOptions", "", errors)
    _check_fields(kind, fields)
    return read


def _check_fields(kind: Kind, fields: Selector) -> None:
    known = {"metadata.name", "metadata.namespace", *(kind.field_labels or kind.selectable({"metadata": {}}))}
    if kind.custom and not kind.namespaced:
        known.discard("metadata.namespace")
    for wanted in fields:
        if wanted.key not in known:
            if len(known) > 2 or kind.custom:
                raise BadRequest(f"field label not supported: {wanted.key}")
            only = '"metadata.name", "metadata.namespace"'
            raise BadRequest(f"{field.show(wanted.key)} is not a known field selector: only {only}")


MATCH = Path("resourceVersionMatch")


def _check_list(read: ListOptions) -> ErrorList:
    errors: ErrorList = []
    if read.match:
        if not read.resource_version:
            errors.append(field.forbidden(MATCH, f"{MATCH} is forbidden unless resourceVersion is provided"))
        if read.continue_:
            errors.append(field.forbidden(MATCH, f"{MATCH} is forbidden when continue is provided"))
        if read.match not in ("Exact", "NotOlderThan"):
            errors.append(field.not_supported(MATCH, read.match, ("Exact", "NotOlderThan", "")))
        if read.match == "Exact" and read.resource_version == "0":
            errors.append(field.forbidden(MATCH, f'{MATCH} "exact" is forbidden for resourceVersion "0"'))
    if read.send_initial is not None:
        errors.append(field.forbidden(Path("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
    return errors


def _check_watch(read: ListOptions) -> ErrorList:
    errors: ErrorList = []
    if read.send_initial is not None and read.match != "NotOlderThan":
        errors.append(field.forbidden(MATCH, f"sendInitialEvents requires setting {MATCH} to NotOlderThan"))
    if not read.match:
        return errors
    if read.send_initial is None:
        errors.append(field.forbidden(MATCH, f"{MATCH} is forbidden for watch unless sendInitialEvents is provided"))
    if read.match != "NotOlderThan":
        errors.append(field.not_supported(MATCH, read.match, ("NotOlderThan",)))
    if read.continue_:
        errors.append(field.forbidden(MATCH, f"{MATCH} is forbidden when continue is provided"))
    return errors


@dataclass(frozen=True, slots=True)
class WriteOptions:
    dry_run: bool
    field_manager: str
    field_validation: str  # Strict, Warn (the default) or Ignore
    force: bool | None


MANAGER_BYTES = 128


def write_options(options: Options, kind: str, content_type: str = "") -> WriteOptions:
    """`kind` is CreateOptions, UpdateOptions or PatchOptions; the content type tells an apply from other patches."""
    errors: ErrorList = []
    force = boolean(options, "force") if "force" in options else None
    manager = options.get("fieldManager", "")
    if kind == "PatchOptions":
        if content_type == APPLY:
            if not manager:
                errors.append(field.required(Path("fieldManager"), "is required for apply patch"))
        elif force is not None:
            errors.append(field.forbidden(Path("force"), "may not be specified for non-apply patch"))
    errors += _check_manager(manager)
    dry_run = every(options, "dryRun")
    errors += check_dry_run(dry_run)
    validation = options.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Strict", "Warn"):
        supported = ("", "Ignore", "Strict", "Warn")
        errors.append(field.not_supported(Path("fieldValidation"), validation, supported))
    if errors:
        raise invalid("meta.k8s.io", kind, "", errors)
    return WriteOptions(bool(dry_run), manager, validation or "Warn", force)


def _check_manager(manager: str) -> ErrorList:
    path = Path("fieldManager")
    errors = [field.too_long(path, MANAGER_BYTES)] if len(manager.encode()) > MANAGER_BYTES else []
    at = 0
    for letter in manager:
        if not letter.isprintable():
            errors.append(field.invalid(path, manager, f"invalid character U+{ord(letter):04X} (at position {at})"))
        at += len(letter.encode())
    return errors


def check_dry_run(given: list[str]) -> ErrorList:
    return [] if all(value == "All" for value in given) else [field.not_supported(Path("dryRun"), given, ("All",))]


PROPAGATION = "propagationPolicy"
PROPAGATIONS = ("Foreground", "Background", "Orphan", "nil")


def delete_options(options: Options, body: dict[str, Any] | None) -> DeleteOptions:
    """What the body says, or without a body (an empty object is one) the query."""
    if body is None:
        body = {
            "gracePeriodSeconds": integer(options, "gracePeriodSeconds"),
            "orphanDependents": boolean(options, "orphanDependents") if "orphanDependents" in options else None,
            "propagationPolicy": options.get("propagationPolicy"),
            "dryRun": every(options, "dryRun"),
        }
    grace, orphan, propagation = (body.get(each) for each in ("gracePeriodSeconds", "orphanDependents", PROPAGATION))
    dry_run, preconditions = body.get("dryRun") or [], body.get("preconditions") or {}
    errors: ErrorList = []
    if orphan is not None and propagation is not None:
        words = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(field.invalid(Path(PROPAGATION), propagation, words))
    if propagation not in (None, *PROPAGATIONS[:3]):
        errors.append(field.not_supported(Path(PROPAGATION), propagation, PROPAGATIONS))
    errors += check_dry_run(dry_run)
    if errors:
        raise invalid("meta.k8s.io", "DeleteOptions", "", errors)
    uid, at = preconditions.get("uid"), preconditions.get("resourceVersion")
    return DeleteOptions(grace, propagation or "", orphan, uid, at, bool(dry_run))
