"""What is right about a CustomResourceDefinition, in Kubernetes' words.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

from apiserver.crd import approval, conversion_rules, names
from apiserver.crd.internal import Internal, internal, shown
from apiserver.crd.status import is_true
from apiserver.kinds.names import subdomain
from apiserver.structural.columns import check_column
from apiserver.structural.paths import check_subresources
from apiserver.structural.rules import check_schema, tightened
from apiserver.structural.selectable import check_selectable
from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

SPEC, STATUS = Path("spec"), Path("status")
SCOPES = ("Cluster", "Namespaced")
PRESERVED = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"


def validate_create(new: Object) -> ErrorList:
    spec = new.get("spec") or {}
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    name = new["metadata"].get("name", "")
    errors: ErrorList = []
    if name and name != wanted:
        errors.append(field.invalid(Path("metadata.name"), name, 'must be spec.names.plural+"."+spec.group'))
    return errors + validate(new, None)


def validate_update(new: Object, old: Object) -> ErrorList:
    return validate(new, old)


def validate(new: Object, old: Object | None) -> ErrorList:
    spec, status = new.get("spec") or {}, new.get("status") or {}
    errors = _spec(spec, old)
    if old is not None:
        errors += _immutable(spec, old)
    errors += names.validate(status.get("acceptedNames") or {}, STATUS.child("acceptedNames"))
    errors += _stored(status.get("storedVersions"), spec.get("versions") or (), STATUS.child("storedVersions"))
    errors += approval.validate(new, old)
    if spec.get("preserveUnknownFields") and not ((old or {}).get("spec") or {}).get("preserveUnknownFields"):
        errors.append(field.invalid(SPEC.child("preserveUnknownFields"), True, PRESERVED))
    return errors


def validate_status(new: Object, _: Object) -> ErrorList:
    return names.validate((new.get("status") or {}).get("acceptedNames") or {}, STATUS.child("acceptedNames"))


def _spec(spec: Object, old: Object | None) -> ErrorList:
    before = (old or {}).get("spec") or {}
    seen, path = internal(spec), SPEC
    versions = spec.get("versions") or ()
    errors = _group(spec.get("group", ""), path.child("group")) + _scope(spec.get("scope", ""), path.child("scope"))
    errors += [
        field.required(path.child("versions").index(position).child("schema", "openAPIV3Schema"))
        for position, version in enumerate(versions)
        if (version.get("schema") or {}).get("openAPIV3Schema") is None
    ]
    for position, version in enumerate(seen.versions):
        errors += _version(version, path.child("versions").index(position), spec, before)
    errors += _counts(seen, path.child("versions"))
    if versions:
        errors += names.label(versions[0].get("name", ""), path.child("version"))
    wanted = spec.get("names") or {}
    errors += names.validate_required(wanted, path.child("names")) + names.validate(wanted, path.child("names"))
    has_status = any((version.get("subresources") or {}).get("status") is not None for version in versions)
    errors += _schema(seen.validation, path.child("validation"), has_status, _first_schema(before))
    errors += check_subresources(seen.subresources, path.child("subresources"))
    errors += _columns(seen.columns, path.child("additionalPrinterColumns"))
    if seen.selectable:
        errors += check_selectable(
            seen.selectable, (seen.validation or {}).get("openAPIV3Schema"), path.child("selectableFields")
        )
    return errors + conversion_rules.validate(
        spec.get("conversion"),
        path.child("conversion"),
        before.get("conversion"),
        established=is_true(old, "Established"),
    )


def _first_schema(spec: Object) -> Object | None:
    found = internal(spec).validation
    return (found or {}).get("openAPIV3Schema")


def _group(group: str, path: Path) -> ErrorList:
    if not group:
        return [field.required(path)]
    if found := subdomain(group):
        return [field.invalid(path, group, ",".join(found))]
    return [] if "." in group else [field.invalid(path, group, "should be a domain with at least one dot")]


def _scope(scope: str, path: Path) -> ErrorList:
    if not scope:
        return [field.required(path)]
    return [] if scope in SCOPES else [field.not_supported(path, scope, SCOPES)]


def _version(version: Object, path: Path, spec: Object, before: Object) -> ErrorList:
    name = version.get("name", "")
    errors = names.label(name, path.child("name")) + _deprecation(version, path.child("deprecationWarning"))
    own = next((each for each in spec["versions"] if each.get("name") == name), version)
    has_status = (own.get("subresources") or {}).get("status") is not None
    former: Object = next((each for each in before.get("versions") or () if each.get("name") == name), {})
    old_schema = (former.get("schema") or {}).get("openAPIV3Schema")
    errors += _schema(version.get("schema"), path.child("schema"), has_status, old_schema)
    errors += check_subresources(version.get("subresources"), path.child("subresources"))
    errors += _columns(version.get("additionalPrinterColumns") or (), path.child("additionalPrinterColumns"))
    if fields := version.get("selectableFields"):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        errors += check_selectable(fields, schema, path.child("selectableFields"))
    return errors


def _counts(seen: Internal, path: Path) -> ErrorList:
    found = [version.get("name", "") for version in seen.versions]
    errors: ErrorList = []
    if len(set(found)) < len(found):
        errors.append(field.invalid(path, shown(seen.versions), "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in seen.versions) != 1:
        words = "must have exactly one version marked as storage version"
        errors.append(field.invalid(path, shown(seen.versions), words))
    return errors


def _deprecation(version: Object, path: Path) -> ErrorList:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [field.invalid(path, text, "can only be set for deprecated versions")]
    errors: ErrorList = []
    if len(text.encode()) > 256:
        errors.append(field.invalid(path, text, "must be <= 256 characters long"))
    if not text:
        errors.append(field.invalid(path, text, "must not be an empty string"))
    for position, letter in enumerate(text):
        if letter != " " and not letter.isprintable() and unicodedata.category(letter) != "So":
            at = len(text[:position].encode())
            words = f"must only contain printable UTF-8 characters; non-printable character found at index {at}"
            return [*errors, field.invalid(path, text, words)]
    return errors


def _schema(found: Object | None, path: Path, has_status: bool, old: Object | None) -> ErrorList:
    schema = (found or {}).get("openAPIV3Schema")
    if schema is None:
        return []
    return check_schema(schema, path.child("openAPIV3Schema"), status=has_status, rules=tightened(schema, old))


def _columns(columns: Sequence[Object], path: Path) -> ErrorList:
    return [error for position, each in enumerate(columns) for error in check_column(each, path.index(position))]


def _immutable(spec: Object, old: Object) -> ErrorList:
    before = old.get("spec") or {}
    fields = ["group", "names.plural"]
    if is_true(old, "Established"):
        fields = ["scope", "names.kind", *fields]
    return [
        field.invalid(SPEC.child(name), _at(spec, name), "field is immutable")
        for name in fields
        if _at(spec, name) != _at(before, name)
    ]


def _at(spec: Object, name: str) -> Any:
    outer, _, inner = name.rpartition(".")
    return ((spec.get(outer) or {}) if outer else spec).get(inner, "")


def _stored(stored: list[str] | None, versions: Sequence[Object], path: Path) -> ErrorList:
    if not stored:
        return [field.invalid(path, None, "must have at least one stored version")]
    errors = [
        field.invalid(path, stored, f"must have the storage version {version.get('name', '')}")
        for version in versions
        if version.get("storage") and version.get("name", "") not in stored
    ]
    served = {version.get("name", "") for version in versions}
    for position, name in enumerate(stored):
        if name not in served:
            words = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            errors.append(field.invalid(path.index(position), name, words))
    return errors
