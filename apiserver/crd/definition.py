"""CustomResourceDefinition of apiextensions.k8s.io.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition, pkg/apis/apiextensions/v1/defaults.go.
"""

from apiserver.crd import rules, status
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.strategy import keep_spec, keep_status
from apiserver.kinds.strategy import status as status_of
from apiserver.schema.load import schema
from apiserver.schema.shape import zero
from apiserver.structural.formats import known
from apiserver.structural.rules import schemas

_TYPE = "apiextensions.v1.CustomResourceDefinition"
_EMPTY = schema(_TYPE).fields["status"].schema
PORT = 443
NUMERIC = ("int32", "int64", "float", "double")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    kind = names.get("kind", "")
    names["singular"] = names.get("singular") or kind.lower()
    names["listKind"] = names.get("listKind") or (f"{kind}List" if kind else "")
    for name in ("singular", "listKind"):
        if not names[name]:
            del names[name]
    conversion = spec.setdefault("conversion", {})
    conversion["strategy"] = conversion.get("strategy") or "None"
    service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = PORT
    body = obj.setdefault("status", zero(_EMPTY))
    if not body.get("storedVersions"):
        body["storedVersions"] = _storage(spec)[:1] or None


def _storage(spec: Object) -> list[str]:
    return [version.get("name", "") for version in spec.get("versions") or () if version.get("storage")]


def prepare_create(obj: Object) -> None:
    obj["status"] = zero(_EMPTY)
    obj["status"]["storedVersions"] = _storage(obj["spec"])[:1] or None


def prepare_update(new: Object, old: Object) -> None:
    keep_status(new, old)
    body = new["status"] = dict(new.get("status") or zero(_EMPTY))
    stored = list(body.get("storedVersions") or ())
    body["storedVersions"] = [*stored, *(name for name in _storage(new["spec"])[:1] if name not in stored)] or None


def _formats(obj: Object) -> list[str]:
    """Formats that nobody checks, in all versions."""
    versions = (obj.get("spec") or {}).get("versions") or ()
    every = [each for version in versions for each in schemas((version.get("schema") or {}).get("openAPIV3Schema"))]
    formats = [each.get("format") for each in every]
    return [name for name in formats if name and name not in NUMERIC and known(name) is None]


def warn(obj: Object) -> list[str]:
    return [f'unrecognized format "{name}"' for name in dict.fromkeys(_formats(obj))]


def warn_update(new: Object, old: Object) -> list[str]:
    """Of formats that are new."""
    before = warn(old)
    return [words for words in warn(new) if words not in before]


CUSTOM_RESOURCE_DEFINITION = Kind(
    group="apiextensions.k8s.io",
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    schema=schema(_TYPE),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate_create=rules.validate_create,
    validate_update=rules.validate_update,
    warn=warn,
    warn_update=warn_update,
    mark=status.mark,
    generation=("spec",),
    unconditional_update=False,
    subresources=(status_of(rules.validate_status, keep_spec),),
)
