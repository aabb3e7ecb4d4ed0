"""What Go finds wrong with a URL, in its words. Pure.

Source: Go's net/url (Parse, parseAuthority, parseHost, getScheme).
"""

import re

from podling.api.field import show

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_HOST = re.compile(r"[ \\^`{|}]")
_PORT = re.compile(r"(:\d*)?")


def wrong(text: str) -> str:
    """ "" for a URL."""
    url, _, fragment = text.partition("#")
    return _wrong(url) or _escapes(fragment)


def _wrong(url: str) -> str:
    if _CONTROL.search(url):
        return "net/url: invalid control character in URL"
    if url.startswith(":"):
        return "missing protocol scheme"
    scheme = _SCHEME.match(url)
    rest = (url[scheme.end() :] if scheme else url).partition("?")[0]
    if not rest.startswith("/"):
        if scheme is None and ":" in rest.partition("/")[0]:
            return "first path segment in URL cannot contain colon"
        return "" if scheme else _escapes(rest)  # what follows the scheme is opaque
    if not rest.startswith("//") or (scheme is None and rest.startswith("///")):
        return _escapes(rest)
    authority, slash, tail = rest[2:].partition("/")
    return _host(authority.rpartition("@")[2]) or _escapes(slash + tail)


def _host(host: str) -> str:
    closed = host.rfind("]")
    if host.startswith("[") and closed < 0:
        return "missing ']' in host"
    port = host[closed + 1 :] if host.startswith("[") else "".join(host.rpartition(":")[1:]) if ":" in host else ""
    if not _PORT.fullmatch(port):
        return f"invalid port {show(port)} after host"
    if found := _escapes(host):
        return found
    character = _NOT_IN_HOST.search(host)
    return f"invalid character {show(character[0])} in host name" if character else ""


def _escapes(part: str) -> str:
    found = _ESCAPE.search(part)
    return f"invalid URL escape {show(part[found.start() : found.start() + 3])}" if found else ""
