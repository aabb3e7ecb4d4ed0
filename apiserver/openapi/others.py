"""The OpenAPI 3 documents of what is no resource: discovery, the version, the keys of tokens. Pure."""

from collections.abc import Iterable
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.openapi.schemas import V3, definitions
from apiserver.schema.load import schema

Document = dict[str, Any]

_ANSWERS = {
    "api": ("/api/", "APIVersions", "get available API versions"),
    "apis": ("/apis/", "APIGroupList", "get available API versions"),
    ".well-known/openid-configuration": (
        *("/.well-known/openid-configuration/", ""),
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
    ),
    "openid/v1/jwks": ("/openid/v1/jwks/", "", "get service account issuer OpenID JSON Web Key Set"),
    "version": ("/version/", "", "get the version information for this server"),
}


def others(kinds: Iterable[Kind], info: Document) -> dict[str, Document]:
    """By path, as the index tells them."""
    groups = sorted({kind.group for kind in kinds if kind.group})
    made = {path: _document(info, *answer) for path, answer in _ANSWERS.items()}
    for group in groups:
        made[f"apis/{group}"] = _document(info, f"/apis/{group}/", "APIGroup", "get information of a group")
    return made


def _document(info: Document, path: str, answer: str, words: str) -> Document:
    """`answer`: a type of meta/v1, "" for JSON that has none."""
    of = schema(f"meta.v1.{answer}") if answer else None
    shape: Document = {"$ref": f"{V3}{of.name}"} if of else {"type": "object"}
    media = "application/jwk-set+json" if path.endswith("/jwks/") else "application/json"
    response = {"description": "OK", "content": {media: {"schema": shape}}}
    operation = {"description": words, "responses": {"200": response, "401": {"description": "Unauthorized"}}}
    made: Document = {"openapi": "3.0.0", "info": info, "paths": {path: {"get": operation}}}
    if of:
        made["components"] = {"schemas": dict(sorted(definitions([of], {}, V3)))}
    return made
