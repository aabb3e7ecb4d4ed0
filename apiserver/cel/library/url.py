"""URLs, as Go parses them. Source: apiserver/pkg/cel/library/urls.go, net/url."""

import re
from collections.abc import Callable
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import URL, Opaque
from podling.api.field import show

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]\s<>\"\\^`{|}:]*)(:\d*)?")
_UNRESERVED = "/:@&=+$,;!*'()~%"


def split(text: str) -> SplitResult:
    """An absolute URI or an absolute path; raises `EvalError`."""
    if why := _wrong(text):
        raise EvalError(f"URL parse error during conversion from string: parse {show(text)}: {why}")
    return urlsplit(text)


def _wrong(text: str) -> str:
    if not text:
        return "empty url"
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "net/url: invalid control character in URL"
    if found := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", text):
        return f"invalid URL escape {show(found[0])}"
    if not text.startswith("/") and not _SCHEME.match(text):
        return "missing protocol scheme" if text.startswith(":") else "invalid URI for request"
    try:
        host = urlsplit(text).netloc.rpartition("@")[2]
    except ValueError:
        return "invalid host"
    if not _HOST.fullmatch(host):
        return (
            f"invalid port {show(host[host.find(':') :])} after host"
            if ":" in host
            else "invalid character in host name"
        )
    return ""


def _is_url(text: str) -> bool:
    return not _wrong(text)


def _part(read: Callable[[SplitResult], object]) -> Callable[[Opaque], object]:
    return lambda value: read(urlsplit(value.text))


def _host(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _hostname(url: SplitResult) -> str:
    found = _HOST.fullmatch(_host(url))
    return found[1].strip("[]") if found else ""


def _port(url: SplitResult) -> str:
    found = _HOST.fullmatch(_host(url))
    return (found[2] or "")[1:] if found else ""


FUNCTIONS: tuple[Function, ...] = (
    function("url(string) -> URL", lambda text: split(text) and Opaque(URL.name, text)),
    function("isURL(string) -> bool", _is_url),
    function("URL.getScheme() -> string", _part(lambda url: url.scheme)),
    function("URL.getHost() -> string", _part(_host)),
    function(
        "URL.getHostname() -> string", _part(lambda url: (_HOST.fullmatch(_host(url)) or [""] * 2)[1].strip("[]"))
    ),
    function("URL.getPort() -> string", _part(_port)),
    function("URL.getEscapedPath() -> string", _part(lambda url: quote(url.path, safe=_UNRESERVED))),
    function("URL.getQuery() -> map<string, list<string>>", _part(lambda url: parse_qs(url.query, True))),
)
