"""Secret. Source: kubernetes/pkg/apis/core/validation.ValidateSecret and pkg/registry/core/secret."""

import base64
from collections.abc import Mapping

from apiserver.kinds import columns, names
from apiserver.kinds.config_map import MOST_BYTES, immutable
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.schema.load import schema
from apiserver.schema.shape import mismatch
from apiserver.schema.syntax import syntax_error
from apiserver.schema.text import parse_json
from podling.api import field
from podling.api.field import ErrorList, Path

OPAQUE = "Opaque"
TOKEN = "kubernetes.io/service-account-token"
ACCOUNT = "kubernetes.io/service-account.name"
# What each type of secret must carry: (any one of these keys).
NEEDS: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
JSON_KEYS = (".dockercfg", ".dockerconfigjson")
REDACTED = "<secret contents redacted>"


def default(obj: Object) -> None:
    """`stringData` is how data is written by hand: it goes into `data` and is not kept."""
    strings = obj.pop("stringData", None)
    if strings:
        data = obj.setdefault("data", {})
        data.update({key: base64.b64encode(value.encode()).decode() for key, value in strings.items()})
    obj["type"] = obj.get("type") or OPAQUE


def validate(obj: Object) -> ErrorList:
    data = obj.get("data") or {}
    path = Path("data")
    errors: ErrorList = []
    for key in sorted(data):
        errors += names.each(path.key(key), key, names.config_key(key))
    if sum(len(base64.b64decode(value)) for value in data.values()) > MOST_BYTES:
        errors.append(field.too_long(path, MOST_BYTES))
    kind = obj.get("type", "")
    if kind == TOKEN:
        if not (obj["metadata"].get("annotations") or {}).get(ACCOUNT):
            errors.append(field.required(Path("metadata.annotations").key(ACCOUNT)))
    elif kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            errors += [field.required(path.key("username")), field.required(path.key("password"))]
    elif kind == "kubernetes.io/tls":
        errors += [field.required(path.key(key)) for key in ("tls.crt", "tls.key") if key not in data]
    for key in NEEDS.get(kind, ()):
        if key not in data or (key not in JSON_KEYS and not data[key]):
            errors.append(field.required(path.key(key)))
        elif key in JSON_KEYS and (wrong := _not_an_object(base64.b64decode(data[key]))):
            errors.append(field.invalid(path.key(key), REDACTED, wrong))
    return errors


def _not_an_object(body: bytes) -> str:
    if wrong := syntax_error(body):
        return wrong
    value = parse_json(body, exact=False)
    if value is None or isinstance(value, dict):
        return ""
    return str(mismatch(value, None, "map[string]interface {}"))


def validate_update(new: Object, old: Object) -> ErrorList:
    errors: ErrorList = []
    if new.get("type") != old.get("type"):
        errors.append(field.invalid(Path("type"), new.get("type", ""), "field is immutable"))
    return errors + immutable(new, old, ("data",)) + validate(new)


SECRET = Kind(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    schema=schema("core.v1.Secret"),
    default=default,
    validate_create=validate,
    validate_update=validate_update,  # looks at the change first, at the rest then
    selectable=lambda obj: {"type": obj.get("type", "")},
    columns=(
        columns.NAME,
        columns.shown("Type", "core.v1.Secret", "type"),
        Column("Data", "string", columns.documented("core.v1.Secret", "data"), lambda obj: len(obj.get("data") or ())),
        columns.AGE,
    ),
)
