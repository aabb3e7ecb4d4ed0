"""GET of a collection."""

from apiserver.answer import ListAnswer
from apiserver.lists import Reader
from apiserver.options import list_options
from apiserver.verbs.call import Call


async def list_(call: Call) -> ListAnswer:
    options = list_options(call.request.options, call.kind)
    return await Reader(call.context.feed).list(call.kind, call.namespace, options)
