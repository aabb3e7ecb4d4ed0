"""`jsonpatch.escapeKey`. Source: apiserver/pkg/cel/library/jsonpatch.go."""

from apiserver.cel.library.function import Function, function

FUNCTIONS: tuple[Function, ...] = (
    function("jsonpatch.escapeKey(string) -> string", lambda key: key.replace("~", "~0").replace("/", "~1")),
)
