"""kube-public/cluster-info carries a signature of its kubeconfig by every bootstrap token that signs: who has the
token knows by it that the kubeconfig is the cluster's.

Source: kubernetes/pkg/controller/bootstrap/bootstrapsigner.go.
"""

from contextlib import suppress

from controllers.bootstrap_token import NAMESPACE, TYPE, signature, signs
from controllers.controller import Context, Source, run
from podling.api.errors import Conflict, NotFound
from podling.client.resource import CONFIG_MAPS, SECRETS

PUBLIC, NAME, KEY = "kube-public", "cluster-info", "kubeconfig"
SIGNATURE = "jws-kubeconfig-"
ALL = f"{PUBLIC}/{NAME}"


async def control(context: Context) -> None:
    secrets = context.informers.get(SECRETS, fields=f"type={TYPE}")
    maps = context.informers.get(CONFIG_MAPS, fields=f"metadata.name={NAME}")

    async def reconcile(_: str) -> None:
        found = maps.get(ALL)
        if found is None or KEY not in (found.data or {}):
            return
        kept = {name: value for name, value in found.data.items() if not name.startswith(SIGNATURE)}
        for secret in secrets.values():
            token = signs(secret, context.clock.now()) if secret.metadata.namespace == NAMESPACE else None
            if token is not None:
                kept[SIGNATURE + token[0]] = signature(found.data[KEY], *token)
        if kept == found.data:
            return
        gone = {name: None for name in found.data if name not in kept}
        patch = {"metadata": {"resourceVersion": found.metadata.resourceVersion}, "data": {**kept, **gone}}
        with suppress(NotFound, Conflict):  # the change that was in the way brings us here again
            await context.client.patch(CONFIG_MAPS, NAME, patch, PUBLIC)

    sources = [Source(each, lambda key, old, new: [ALL]) for each in (secrets, maps)]
    await run("bootstrap-signer", context.clock, sources, reconcile, workers=1)
