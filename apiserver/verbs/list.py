"""GET of a collection."""

from apiserver import handlers
from apiserver.answer import ListAnswer
from apiserver.objects.lists import Reader
from apiserver.options import list_options
from apiserver.verbs.call import Call


async def list_(call: Call) -> ListAnswer:
    options = list_options(call.request.options, call.kind)
    if not call.kind.stored:
        made = handlers.MADE[call.kind.group, call.kind.plural]
        return ListAnswer(call.kind, await made.found(call.context, call.kind, options.filter(call.namespace)), 0)
    return await Reader(call.context.feed).list(call.kind, call.namespace, options)
