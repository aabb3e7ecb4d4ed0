"""What the address of a webhook must look like. Pure.

Source: k8s.io/apiserver/pkg/util/webhook/validation.go.
"""

import base64
import binascii
import re
from urllib.parse import SplitResult, urlsplit

from apiserver.kinds import names
from apiserver.webhook import urls
from podling.api import field
from podling.api.field import ErrorList, Path

FORM = "; desired format: https://host[/path]"
PORT_WORDS = "port is not valid: must be between 1 and 65535, inclusive"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


def url(text: str, path: Path) -> ErrorList:
    if wrong := urls.wrong(text):
        return [field.required(path, f"url must be a valid URL: parse {field.show(text)}: {wrong}{FORM}")]
    found = urlsplit(text)
    errors: ErrorList = []
    if found.scheme != "https":
        errors.append(field.invalid(path, found.scheme, "'https' is the only allowed URL scheme" + FORM))
    host = found.netloc.rpartition("@")[2]
    if not host:
        errors.append(field.invalid(path, host, "host must be specified" + FORM))
    if "@" in found.netloc:
        errors.append(field.invalid(path, _user(found), "user information is not permitted in the URL"))
    if found.fragment:
        errors.append(field.invalid(path, found.fragment, "fragments are not permitted in the URL"))
    if found.query:
        errors.append(field.invalid(path, found.query, "query parameters are not permitted in the URL"))
    return errors


def _user(found: SplitResult) -> str:
    return found.netloc.rpartition("@")[0]


def service(namespace: str, name: str, port: int, url_path: str | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    if not name:
        errors.append(field.required(path.child("name")))
    if not namespace:
        errors.append(field.required(path.child("namespace")))
    if not 1 <= port <= 65535:
        errors.append(field.invalid(path.child("port"), port, PORT_WORDS))
    if url_path in (None, "", "/"):
        return errors
    assert url_path is not None
    here = path.child("path")
    if url_path == "//":
        return [*errors, field.invalid(here, url_path, "segment[0] may not be empty")]
    if not url_path.startswith("/"):
        errors.append(field.invalid(here, url_path, "must start with a '/'"))
    for position, step in enumerate(url_path[1:].removesuffix("/").split("/")):
        if not step:
            errors.append(field.invalid(here, url_path, f"segment[{position}] may not be empty"))
            continue
        for words in names.subdomain(step):
            errors.append(field.invalid(here, url_path, f"segment[{position}]: {words}"))
    return errors


def ca_bundle(encoded: str, path: Path) -> ErrorList:
    """`encoded` is base64 of PEM."""
    try:
        text = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        text = b""
    if _CERTIFICATE.search(text):
        return []
    words = "unable to load root certificates: unable to parse bytes as PEM block"
    return [field.invalid(path, encoded, words)]
