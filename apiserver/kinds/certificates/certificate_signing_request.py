"""CertificateSigningRequest. What is asked for never changes; who approves and who signs have a subresource each.

Source: kubernetes/pkg/apis/certificates/validation, pkg/registry/certificates/certificates/strategy.go.
"""

import base64
from collections.abc import Callable
from typing import Any

from apiserver.kinds import columns, names
from apiserver.kinds.go import difference
from apiserver.kinds.kind import Column, Kind, Object, Subresource
from apiserver.kinds.strategy import READ_WRITE, drop_status, keep_spec, status
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import certificate_request as requests
from podling.api import field
from podling.api.certificate_request import LEGACY, Malformed
from podling.api.field import ErrorList, Path
from podling.api.meta import timestamp

USAGES = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
    *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel"),
    *("ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"),
    *("server auth", "signing", "timestamping"),
)
DECISIONS, FINAL = ("Approved", "Denied"), ("Approved", "Denied", "Failed")
CONDITIONS, CERTIFICATE = STATUS.child("conditions"), STATUS.child("certificate")
LEAST_SECONDS = 600
QUALIFIED = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
MOST_DOMAIN, MOST_PATH = 253, 253 + 63 + 1


def validate(obj: Object) -> ErrorList:
    return _validate(obj) + _certificate(obj)


def _validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors: ErrorList = []
    try:
        requests.check_signature(requests.parse(spec.get("request") or ""))
    except Malformed as error:
        errors.append(field.invalid(SPEC.child("request"), spec.get("request"), str(error)))
    errors += _usages(spec.get("usages") or [], SPEC.child("usages"))
    signer, path = spec.get("signerName", ""), SPEC.child("signerName")
    if signer == LEGACY:
        errors.append(field.invalid(path, signer, "the legacy signerName is not allowed via this API version"))
    else:
        errors += validate_signer(signer, path)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < LEAST_SECONDS:
        words = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(field.invalid(SPEC.child("expirationSeconds"), seconds, words))
    return errors + _conditions(_conditions_of(obj))


def _usages(usages: list[str], path: Path) -> ErrorList:
    errors = [] if usages else [field.required(path)]
    for place, usage in enumerate(usages):
        if usage not in USAGES:
            errors.append(field.not_supported(path.index(place), usage, USAGES))
    doubled = [place for place, usage in enumerate(usages) if usage in usages[:place]]
    return errors + [field.duplicate(path.index(place), usages[place]) for place in doubled]


def validate_signer(name: str, path: Path) -> ErrorList:
    """`example.com/signer`. Source: apivalidation.ValidateSignerName."""
    if not name:
        return [field.required(path)]
    if name.count("/") != 1:
        return [field.invalid(path, name, QUALIFIED)]
    domain, _, rest = name.partition("/")
    errors = [field.too_long(path, MOST_DOMAIN)] if len(domain) > MOST_DOMAIN else []
    errors += _labels(domain, names.label, path)
    if "." not in domain:
        words = "should be a domain with at least two segments separated by dots"
        errors.append(field.invalid(path, domain, words))
    errors += _labels(rest, names.subdomain, path)
    most = MOST_DOMAIN + MOST_PATH + 1
    return [*errors, field.too_long(path, most)] if len(name) > most else errors


def _labels(text: str, check: Callable[[str], list[str]], path: Path) -> ErrorList:
    """The first that is wrong."""
    for label in text.split("."):
        if messages := check(label):
            return [field.invalid(path, text, f"validating label {field.show(label)}: {each}") for each in messages]
    return []


def _conditions_of(obj: Object) -> list[Object]:
    return status_of(obj).get("conditions") or []


def _conditions(found: list[Object]) -> ErrorList:
    errors: ErrorList = []
    seen: list[str] = []
    for place, each in enumerate(found):
        kind, value, path = each.get("type", ""), each.get("status", ""), CONDITIONS.index(place)
        allowed = ("True",) if kind in FINAL else ("False", "True", "Unknown")
        if not kind:
            errors.append(field.required(path.child("type")))
        if not value:
            errors.append(field.required(path.child("status")))
        elif value not in allowed:
            errors.append(field.not_supported(path.child("status"), value, allowed))
        if kind in DECISIONS and set(DECISIONS) - {kind} <= set(seen):
            words = "Approved and Denied conditions are mutually exclusive"
            errors.append(field.invalid(CONDITIONS, kind, words))
        if kind in seen:
            errors.append(field.duplicate(path.child("type"), kind))
        seen.append(kind)
    return errors


def _certificate(obj: Object) -> ErrorList:
    try:
        requests.check_certificates(base64.b64decode(status_of(obj).get("certificate") or ""))
    except Malformed as error:
        return [field.invalid(CERTIFICATE, "<certificate data>", str(error))]
    return []


# What may change, and where.


def prepare_update(new: Object, old: Object) -> None:
    keep_spec(new, old)
    new["status"] = old.get("status") or {}


def prepare_approval(new: Object, old: Object) -> None:
    """Only the conditions are written."""
    conditions = _conditions_of(new)
    prepare_update(new, old)
    new["status"] = {name: value for name, value in status_of(old).items() if name != "conditions"}
    if conditions:
        new["status"]["conditions"] = conditions
    _time(new, old)


def prepare_status(new: Object, old: Object) -> None:
    """Decisions stay as they are, unless some come or go: that is refused."""
    keep_spec(new, old)
    for kind in DECISIONS:
        before, now = _of(old, kind), _of(new, kind)
        if len(before) == len(now):
            for was, each in zip(before, now, strict=True):
                each.clear()
                each.update(was)
    _time(new, old)


def _of(obj: Object, kind: str) -> list[Object]:
    return [each for each in _conditions_of(obj) if each.get("type") == kind]


def _time(new: Object, old: Object) -> None:
    now = timestamp()
    for each in _conditions_of(new):
        each["lastUpdateTime"] = each.get("lastUpdateTime") or now
        before = (was for was in _of(old, each.get("type", "")) if was.get("status") == each.get("status"))
        since = next((was["lastTransitionTime"] for was in before if was.get("lastTransitionTime")), now)
        each["lastTransitionTime"] = each.get("lastTransitionTime") or since


def validate_approval(new: Object, old: Object) -> ErrorList:
    return _validate_update(new, old, decides=True, signs=False)


def validate_status(new: Object, old: Object) -> ErrorList:
    return _validate_update(new, old, decides=False, signs=True)


def _validate_update(new: Object, old: Object, *, decides: bool, signs: bool) -> ErrorList:
    issued, before = status_of(new).get("certificate"), status_of(old).get("certificate")
    errors = _validate(new) + ([] if issued == before else _certificate(new))
    for kind in FINAL:
        if len(_of(new, kind)) < len(_of(old, kind)):
            errors.append(field.forbidden(CONDITIONS, f'updates may not remove a condition of type "{kind}"'))
    for kind in () if decides else DECISIONS:
        was, now = _of(old, kind), _of(new, kind)
        if len(now) > len(was):
            errors.append(field.forbidden(CONDITIONS, f'updates may not add a condition of type "{kind}"'))
        elif len(now) == len(was) and now != was:
            text = difference(was[0], now[0], "certificates.v1.CertificateSigningRequestCondition")
            words = f'updates may not modify a condition of type "{kind}"\n{text}'
            errors.append(field.forbidden(CONDITIONS, words))
    if issued != before and not signs:
        errors.append(field.forbidden(CERTIFICATE, "updates may not set certificate content"))
    elif issued != before and before:
        errors.append(field.forbidden(CERTIFICATE, "updates may not modify existing certificate content"))
    return errors


def _state(obj: Object) -> str:
    """`Approved,Issued`"""
    decided = next((kind for kind in ("Denied", "Approved") if _of(obj, kind)), "Pending")
    issued = "Issued" if status_of(obj).get("certificate") else ""
    return ",".join(filter(None, (decided, "Failed" if _of(obj, "Failed") else "", issued)))


def _duration(obj: Object) -> Any:
    seconds = spec_of(obj).get("expirationSeconds")
    return columns.NONE if seconds is None else columns.duration(seconds)


_TYPE = "certificates.v1.CertificateSigningRequest"
_SPEC = f"{_TYPE}Spec"
# Documented as v1beta1 documents it, which said more.
SIGNER_WORDS = (
    "Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If empty, it will "
    "be defaulted:\n 1. If it's a kubelet client certificate, it is assigned\n    "
    '"kubernetes.io/kube-apiserver-client-kubelet".\n 2. If it\'s a kubelet serving certificate, it is assigned\n    '
    '"kubernetes.io/kubelet-serving".\n 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".\nDistribution of '
    "trust for signers happens out of band. You can select on this field using `spec.signerName`."
)
DURATION_WORDS = columns.documented(_SPEC, "expirationSeconds").replace(":\n  1.", ":\n\n  1.")  # lost in the models
CERTIFICATE_SIGNING_REQUEST = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    short_names=("csr",),
    namespaced=False,
    schema=schema(_TYPE),
    prepare_create=drop_status(_TYPE),
    prepare_update=prepare_update,
    validate=validate,
    validate_name=names.path_segment,
    selectable=lambda obj: {"spec.signerName": spec_of(obj).get("signerName", "")},
    subresources=(
        status(validate_status, prepare_status),
        Subresource("approval", READ_WRITE, prepare_update=prepare_approval, validate_update=validate_approval),
    ),
    columns=(
        columns.NAME,
        columns.AGE,
        Column("SignerName", "string", SIGNER_WORDS, lambda obj: spec_of(obj).get("signerName", "")),
        Column("Requestor", "string", "Base64-encoded PKCS#10 CSR data", lambda obj: spec_of(obj).get("username", "")),
        Column("RequestedDuration", "string", DURATION_WORDS, _duration),
        Column("Condition", "string", "Conditions applied to the request, such as approval or denial.", _state),
    ),
)
