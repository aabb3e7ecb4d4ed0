"""Ingress."""

import ipaddress
from collections.abc import Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.load_balancer import INGRESS as ADDRESSES
from apiserver.kinds.load_balancer import balanced, shown_balancer, warn_balancer
from apiserver.kinds.networking.reference import validate_reference
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.pod.ports import number
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.workload import SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("Exact", "ImplementationSpecific", "Prefix")
CLASS = "kubernetes.io/ingress.class"  # an annotation, older than the field
NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
NOT_AT_END = ("/..", "/.")


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    errors: ErrorList = []
    if not rules and backend is None:
        words = "either `defaultBackend` or `rules` must be specified"
        errors.append(field.invalid(SPEC, spec.get("rules"), words))
    if backend is not None:
        errors += _backend(backend, SPEC.child("defaultBackend"))
    for position, rule in enumerate(rules):
        errors += _rule(rule, SPEC.child("rules").index(position))
    for position, tls in enumerate(spec.get("tls") or ()):
        errors += _tls(tls, SPEC.child("tls").index(position))
    if spec.get("ingressClassName") is not None:
        name, path = spec["ingressClassName"], SPEC.child("ingressClassName")
        errors += names.each(path, name, names.subdomain(name))
    return errors


def validate_create(obj: Object) -> ErrorList:
    said, name = (obj["metadata"].get("annotations") or {}).get(CLASS), spec_of(obj).get("ingressClassName")
    if said is None or name is None or said == name:
        return []
    words = "must match `ingressClassName` when both are specified"
    return [field.invalid(Path(f"annotations.{CLASS}"), said, words)]


def _rule(rule: Object, path: Path) -> ErrorList:
    host, here = rule.get("host", ""), path.child("host")
    errors: ErrorList = []
    if host:
        errors += _host(host, here)
    http = rule.get("http")
    if http is None:
        return errors
    paths = http.get("paths") or ()
    if not paths:
        errors.append(field.required(path.child("http", "paths")))
    for position, each in enumerate(paths):
        errors += _path(each, path.child("http", "paths").index(position))
    return errors


def _host(host: str, path: Path) -> ErrorList:
    errors = names.each(path, host, names.wildcard(host) if "*" in host else names.subdomain(host))
    return _no_address(host, path) + errors


def _no_address(host: str, path: Path) -> ErrorList:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return []
    return [field.invalid(path, host, "must be a DNS name, not an IP address")]


def _path(each: Object, path: Path) -> ErrorList:
    kind, text = each.get("pathType"), each.get("path", "")
    if kind is None:
        return [field.required(path.child("pathType"), "pathType must be specified")]
    errors: ErrorList = []
    here = path.child("path")
    if kind not in TYPES:
        errors.append(field.not_supported(path.child("pathType"), kind, TYPES))
    elif kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            errors.append(field.invalid(here, text, "must be an absolute path"))
        errors += [field.invalid(here, text, f"must not contain '{part}'") for part in NOT_IN_PATHS if part in text]
        errors += [field.invalid(here, text, f"cannot end with '{end}'") for end in NOT_AT_END if text.endswith(end)]
    elif text and not text.startswith("/"):
        errors.append(field.invalid(here, text, "must be an absolute path"))
    return errors + _backend(each.get("backend") or {}, path.child("backend"))


def _backend(backend: Object, path: Path) -> ErrorList:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [field.invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return validate_reference(resource, path.child("resource"))
    if service is None:
        return [field.invalid(path, "", "resource or service backend is required")]
    return _service(service, path)


def _service(service: Object, path: Path) -> ErrorList:
    name, port = service.get("name", ""), service.get("port") or {}
    errors: ErrorList = []
    here = path.child("service", "name")
    if not name:
        errors.append(field.required(here))
    else:
        errors += names.each(here, name, names.label(name))
    given, said = port.get("number") or 0, port.get("name") or ""
    if given and said:
        return [*errors, field.invalid(path, "", "cannot set both port name & port number")]
    if said:
        return errors + names.each(path.child("service", "port", "name"), said, names.port(said))
    if not given:
        return [*errors, field.required(path, "port name or number is required")]
    return errors + number(given, path.child("service", "port", "number"))


def _tls(tls: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, host in enumerate(tls.get("hosts") or ()):
        here = path.child("hosts").index(position)
        errors += names.each(here, host, names.wildcard(host) if "*" in host else names.subdomain(host))
    if tls.get("secretName"):
        errors += names.each(path.child("secretName"), tls["secretName"], names.subdomain(tls["secretName"]))
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    errors: ErrorList = []
    for position, each in enumerate(balanced(new)):
        path = ADDRESSES.index(position)
        if each.get("ip"):
            errors += validate_address(each["ip"], path.child("ip"))
        if each.get("hostname"):
            here, host = path.child("hostname"), each["hostname"]
            errors += names.each(here, host, names.subdomain(host)) + _no_address(host, here)
    return errors


def _warn(obj: Object) -> Sequence[str]:
    if CLASS in (obj["metadata"].get("annotations") or {}) and spec_of(obj).get("ingressClassName") is None:
        return [f"annotation \"{CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]
    return ()


def _hosts(obj: Object) -> str:
    """Where a rule comes after three hosts all are counted, those without a host, too."""
    rules = spec_of(obj).get("rules") or []
    found = [(place, rule["host"]) for place, rule in enumerate(rules) if rule.get("host")]
    more = found[columns.MOST_SHOWN - 1 :] and found[columns.MOST_SHOWN - 1][0] < len(rules) - 1
    return columns.few([host for _, host in found], len(rules) if more else 0) or "*"


INGRESS = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    short_names=("ing",),
    schema=schema("networking.v1.Ingress"),
    prepare_create=drop_status("networking.v1.Ingress"),
    prepare_update=keep_status,
    validate=validate,
    validate_create=validate_create,
    warn=_warn,
    warn_update=lambda _new, _old: (),
    generation=("spec",),
    subresources=(status(validate_status, keep_spec, warn_balancer),),
    columns=(
        columns.NAME,
        Column(
            "Class",
            "string",
            "The name of the IngressClass resource that should be used for additional configuration",
            lambda obj: spec_of(obj).get("ingressClassName") or columns.NONE,
        ),
        Column("Hosts", "string", "Hosts that incoming requests are matched against before the ingress rule", _hosts),
        Column(
            "Address",
            "string",
            "Address is a list containing ingress points for the load-balancer",
            shown_balancer,
        ),
        Column(
            "Ports",
            "string",
            "Ports of TLS configurations that open",
            lambda obj: "80, 443" if spec_of(obj).get("tls") else "80",
        ),
        columns.AGE,
    ),
)
