"""A ConfigMap `kube-root-ca.crt` in every namespace: what a pod verifies the API server with."""

from controllers.controller import Context, Source, itself, run
from controllers.service_account import is_active
from podling.api.errors import NotFound
from podling.client.resource import CONFIG_MAPS, NAMESPACES

NAME = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


async def control(context: Context) -> None:
    namespaces = context.informers.get(NAMESPACES)
    maps = context.informers.get(CONFIG_MAPS, fields=f"metadata.name={NAME}")
    data = {"ca.crt": context.ca}

    async def reconcile(namespace: str) -> None:
        if not is_active(namespaces.get(namespace)):
            return
        found = maps.get(f"{namespace}/{NAME}")
        if found is not None and found.data == data:
            return
        metadata = {
            "name": NAME,
            "namespace": namespace,
            "annotations": {"kubernetes.io/description": DESCRIPTION},
        }
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            await context.client.update(CONFIG_MAPS, wanted)
        except NotFound:
            await context.client.create(CONFIG_MAPS, wanted, namespace)

    sources = [Source(namespaces, itself), Source(maps, lambda key, old, new: [key.partition("/")[0]])]
    await run("root-ca", context.clock, sources, reconcile)
