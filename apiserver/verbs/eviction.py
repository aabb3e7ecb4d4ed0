"""POST pods/x/eviction: a delete that asks politely. No disruption budgets exist yet that could refuse it.

Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.options import delete_options, write_options
from apiserver.registry import Write
from apiserver.request import Request
from podling.api.errors import BadRequest


async def evict(context: Context, request: Request) -> Answer:
    options = write_options(request.options, "CreateOptions")
    asked, eviction = request.attributes, request.decoded
    if eviction.get("metadata", {}).get("name") != asked.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    deletion = delete_options({}, eviction.get("deleteOptions") or {})
    pods = context.kinds.find("", "v1", "pods")
    assert pods is not None
    write = Write(asked.user, dry_run=options.dry_run or deletion.dry_run, warnings=request.warnings)
    await context.registry.delete(pods, asked.namespace, asked.name, deletion, write)
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Answer(success, 201)
