"""ServiceAccount: every pod runs as one, and finds its token at the usual place.

Source: k8s.io/kubernetes/plugin/pkg/admission/serviceaccount/admission.go.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from apiserver.admission.plugin import Admission
from apiserver.authz import references
from apiserver.lister import Lister
from podling.api.errors import GroupResource
from podling.api.field import show
from podling.api.meta import name_suffix

MIRROR = "kubernetes.io/config.mirror"
ENFORCE = "kubernetes.io/enforce-mountable-secrets"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ATTEMPTS, ATTEMPT_SECONDS = 10, 0.1
TOKEN_SECONDS = 60 * 60 + 7
VOLUME_MODE = 0o644
SERVICE_ACCOUNTS = GroupResource("", "serviceaccounts")

Object = dict[str, Any]


class ServiceAccount:
    name = "ServiceAccount"

    def __init__(self, lister: Lister, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._lister = lister
        self._sleep = sleep

    async def admit(self, write: Admission) -> None:
        pod = write.creates("", "pods")
        if pod is None or _is_mirror(pod):
            return
        spec = pod["spec"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        if name == "default":
            await self._wait_for_default(write.namespace)
        account = self._account(write, name)
        if automounts(account, spec):
            mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [{"name": secret.get("name", "")} for secret in account["imagePullSecrets"]]

    async def validate(self, write: Admission) -> None:
        if write.operation == "UPDATE" and write.subresource == "ephemeralcontainers":
            pod = write.object
        else:
            pod = write.creates("", "pods")
        if pod is None or write.kind.resource != ("", "pods"):
            return
        if _is_mirror(pod):
            _check_mirror(write, pod)
            return
        account = self._account(write, pod["spec"].get("serviceAccountName", ""))
        annotations = account["metadata"].get("annotations") or {}
        if annotations.get(ENFORCE, "").lower() in {"1", "t", "true"}:
            _check_secrets(write, account, pod)

    async def _wait_for_default(self, namespace: str) -> None:
        """A controller makes it right after the namespace: a pod that comes in between waits a second at most."""
        for _ in range(ATTEMPTS):
            if self._lister.get(SERVICE_ACCOUNTS, namespace, "default") is not None:
                return
            await self._sleep(ATTEMPT_SECONDS)

    def _account(self, write: Admission, name: str) -> Object:
        found = self._lister.get(SERVICE_ACCOUNTS, write.namespace, name)
        if found is None:
            where = f"{write.namespace}/{name}"
            raise write.forbidden(f"error looking up service account {where}: serviceaccount {show(name)} not found")
        return found


def automounts(account: Object, spec: Object) -> bool:
    """What the pod says, else what the account says, else yes."""
    for said in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if said is not None:
            return bool(said)
    return True


def mount_token(spec: Object) -> None:
    """Mount the token volume where nothing is mounted yet; one such volume that is already there is used."""
    name = next((v["name"] for v in spec.get("volumes") or () if v.get("name", "").startswith("kube-api-access-")), "")
    fresh = not name
    name = name or f"kube-api-access-{name_suffix()}"
    mounted = False
    for key in ("initContainers", "containers"):
        for container in spec.get(key) or ():
            if any(mount.get("mountPath") == MOUNT_PATH for mount in container.get("volumeMounts") or ()):
                continue
            mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
            container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
            mounted = True
    if mounted and fresh:
        spec["volumes"] = [*(spec.get("volumes") or ()), token_volume(name)]


def token_volume(name: str) -> Object:
    sources: list[Object] = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
                ]
            }
        },
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": VOLUME_MODE}}


def _is_mirror(pod: Object) -> bool:
    return MIRROR in (pod["metadata"].get("annotations") or {})


def _check_mirror(write: Admission, pod: Object) -> None:
    """A mirror shows what a kubelet runs from a file: it may not reach into the API."""
    spec = pod["spec"]
    if spec.get("serviceAccountName"):
        raise write.forbidden("a mirror pod may not reference service accounts")
    if any(references.secrets(pod)):
        raise write.forbidden("a mirror pod may not reference secrets")
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "serviceAccountToken" in source:
                raise write.forbidden("a mirror pod may not use ServiceAccountToken volume projections")


def _check_secrets(write: Admission, account: Object, pod: Object) -> None:
    """The account's annotation lets its pods use no secrets but those that the account lists."""
    mountable = {secret.get("name") for secret in account.get("secrets") or ()}
    name, spec = account["metadata"]["name"], pod["spec"]
    suffix = f"is not allowed because service account {name} does not reference that secret"
    for volume in spec.get("volumes") or ():
        secret = (volume.get("secret") or {}).get("secretName")
        if secret and secret not in mountable:
            raise write.forbidden(f"volume with secret.secretName={show(secret)} {suffix}")
    for key, label in (("initContainers", "init container"), ("containers", "container")):
        for container in spec.get(key) or ():
            for variable in container.get("env") or ():
                secret = ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name")
                if secret and secret not in mountable:
                    where = f"{label} {container.get('name')} with envVar {variable.get('name')}"
                    raise write.forbidden(f"{where} referencing secret.secretName={show(secret)} {suffix}")
    pullable = {secret.get("name") for secret in account.get("imagePullSecrets") or ()}
    for at, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if secret.get("name") not in pullable:
            words = "does not reference that imagePullSecret"
            raise write.forbidden(
                f"imagePullSecrets[{at}].name={show(secret.get('name', ''))} is not allowed because "
                f"service account {name} {words}"
            )
