"""What `spec.conversion` of a definition must be.

Source: validateCustomResourceConversion of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from typing import Any

from apiserver.kinds.names import label_1035
from apiserver.webhook import clientconfig
from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

STRATEGIES = ("None", "Webhook")
REVIEWS = ("v1", "v1beta1")
NOT_SET = "should not be set when strategy is not set to Webhook"


def validate(conversion: Object | None, path: Path, old: Object | None, *, established: bool) -> ErrorList:
    """`old` is what the definition had before, `established` whether it was served with that."""
    if conversion is None:
        return []
    strategy = conversion.get("strategy", "")
    webhook = conversion.get("webhook") or {}
    config, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    here = path.child("webhookClientConfig")
    errors: ErrorList = []
    if not strategy:
        errors.append(field.required(path.child("strategy")))
    elif strategy not in STRATEGIES:
        errors.append(field.not_supported(path.child("strategy"), strategy, STRATEGIES))
    if strategy != "Webhook":
        if config is not None:
            errors.append(field.forbidden(here, NOT_SET))
        return [*errors, field.forbidden(path.child("conversionReviewVersions"), NOT_SET)] if versions else errors
    if config is None:
        errors.append(field.required(here, "required when strategy is set to Webhook"))
    else:
        errors += _config(config, here, check_bundle=established and not _had_wrong_bundle(old))
    return errors + _reviews(versions, path.child("conversionReviewVersions"), old)


def _config(config: Object, path: Path, *, check_bundle: bool) -> ErrorList:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        errors = [field.required(path, "exactly one of url or service is required")]
    elif url is not None:
        errors = clientconfig.url(url, path.child("url"))
    else:
        assert service is not None
        port = service.get("port")
        # Kubernetes mistakes the name for the namespace here (kubernetes/kubernetes#141353), and so do its words.
        errors = clientconfig.service(
            service.get("name", ""),
            service.get("namespace", ""),
            443 if port is None else port,
            service.get("path"),
            path.child("service"),
        )
    if config.get("caBundle") and check_bundle:
        errors += clientconfig.ca_bundle(config["caBundle"], path.child("caBundle"))
    return errors


def _had_wrong_bundle(old: Object | None) -> bool:
    bundle: str = (((old or {}).get("webhook") or {}).get("clientConfig") or {}).get("caBundle") or ""
    return bool(bundle) and bool(clientconfig.ca_bundle(bundle, Path()))


def _reviews(versions: list[str], path: Path, old: Object | None) -> ErrorList:
    if not versions:
        return [field.required(path)]
    errors: ErrorList = []
    for position, version in enumerate(versions):
        if version in versions[:position]:
            errors.append(field.invalid(path.index(position), version, "duplicate version"))
            continue
        errors += [field.invalid(path.index(position), version, words) for words in label_1035(version)]
    before = ((old or {}).get("webhook") or {}).get("conversionReviewVersions") or []
    if not set(versions) & set(REVIEWS) and (not before or set(before) & set(REVIEWS)):
        errors.append(field.invalid(path, versions, f"must include at least one of {', '.join(REVIEWS)}"))
    return errors
