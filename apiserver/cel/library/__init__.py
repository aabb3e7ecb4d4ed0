"""Kubernetes' functions beside those of the language, one file a library. Source: k8s.io/apiserver/pkg/cel/library.

A row says how a function is called and which Python function answers: `list<int>.sum() -> int`. What raises
`EvalError` is an error of the expression; other exceptions are, too, in their own words.
"""

from apiserver.cel.library import authorizer, format, jsonpatch, lists, net, quantity, regex, semver, url
from apiserver.cel.library.function import Function

FUNCTIONS: tuple[Function, ...] = (
    *lists.FUNCTIONS,
    *regex.FUNCTIONS,
    *url.FUNCTIONS,
    *quantity.FUNCTIONS,
    *net.FUNCTIONS,
    *format.FUNCTIONS,
    *semver.FUNCTIONS,
    *authorizer.FUNCTIONS,
    *jsonpatch.FUNCTIONS,
)
LISTS = frozenset(each.name for each in lists.FUNCTIONS)  # they are handed lists of anything
OPTIONAL = frozenset({"validate", "named"})  # they answer a list of one or of none: `tokens.with_optionals`

__all__ = ["FUNCTIONS", "LISTS", "OPTIONAL", "Function"]
