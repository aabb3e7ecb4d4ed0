"""What a URL and a method ask for. Pure.

    /api/v1/namespaces/{namespace}/{resource}/{name}/{subresource}
    /apis/{group}/{version}/…

Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from apiserver.options import boolean
from apiserver.request import ANONYMOUS, Attributes
from podling.api.selectortext import SelectorError, parse_fields

METHODS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
COLLECTION = ("list", "watch", "deletecollection")
_PROXY = re.compile(r"/api/v1/(?:namespaces/[^/]+/)?[^/]+/[^/]+/proxy(?=[/?]|$)")


def segments(raw_path: str) -> list[str]:
    """The path in parts, decoded; a slash that was escaped divides, too. A last slash does not count."""
    parts = unquote(raw_path).strip("/").split("/")
    return [] if parts == [""] else parts


def resource_parts(parts: list[str]) -> tuple[str, str, list[str]] | None:
    """(group, version, the rest) of a path below a group version; None for every other path."""
    if len(parts) > 2 and parts[0] == "api":
        return "", parts[1], parts[2:]
    if len(parts) > 3 and parts[0] == "apis":
        return parts[1], parts[2], parts[3:]
    return None


def attributes(method: str, parts: list[str], query: Mapping[str, str]) -> Attributes:
    """Of nobody yet: the user comes later. An address that is too long has the subresource `a/b`: nobody serves it."""
    found = resource_parts(parts)
    if found is None:
        return _no_resource(method, parts)
    group, version, rest = found
    verb = METHODS.get(method, method.lower())
    watches = rest[0] == "watch" and len(rest) > 1
    if watches:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
    resource, name = rest[0], rest[1] if len(rest) > 1 else ""
    if not resource or (watches and verb != "get"):
        return _no_resource(method, parts)
    subresource = "proxy" if rest[2:3] == ["proxy"] and not group else "/".join(rest[2:])  # what follows is another's
    selector = query.get("fieldSelector", "")
    if not name:
        if verb == "get":
            verb = "watch" if watches or boolean(query, "watch") else "list"
        elif verb == "delete":
            verb = "deletecollection"
    elif watches:
        verb, selector, name = "watch", ",".join(filter(None, (selector, f"metadata.name={name}"))), ""
    made = Attributes(
        user=ANONYMOUS,
        verb=verb,
        group=group,
        version=version,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        field_selector=selector if verb in COLLECTION else "",
    )
    return made


def _no_resource(method: str, parts: list[str]) -> Attributes:
    return Attributes(ANONYMOUS, method.lower(), path="/" + "/".join(parts))


def beyond_proxy(raw_path: str) -> str:
    """What comes after …/pods/{name}/proxy, as the client wrote it: the path at who is asked behind."""
    return _PROXY.sub("", raw_path, count=1)


def path_of(asked: Attributes) -> str:
    """The address of a resource, as REST has it."""
    inside = f"namespaces/{asked.namespace}" if asked.namespace and asked.resource != "namespaces" else ""
    root = f"apis/{asked.group}" if asked.group else "api"
    parts = (root, asked.version, inside, asked.resource, asked.name, asked.subresource)
    return "/" + "/".join(filter(None, parts))


def named_by_selector(asked: Attributes) -> Attributes:
    """As authorization sees a list or watch of one object that a field selector names."""
    if asked.name or not asked.field_selector:
        return asked
    try:
        wanted = parse_fields(asked.field_selector)
    except SelectorError:
        return asked
    names = [each.values[0] for each in wanted if each.key == "metadata.name" and each.operator == "="]
    return replace(asked, name=names[0]) if names else asked
