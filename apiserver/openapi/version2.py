"""Paths as OpenAPI 2 writes them, made from those of version 3. Pure.

kubectl before 1.27 looks here whether a patch takes `dryRun`.
"""

import json
from typing import Any

from apiserver.openapi.operations import MEDIA
from apiserver.openapi.schemas import V2, V3

Document = dict[str, Any]

_TYPED = ("type", "uniqueItems")
_METHODS = ("get", "put", "post", "delete", "patch")


def paths(version3: Document) -> Document:
    moved: Document = json.loads(json.dumps(version3).replace(V3, V2))
    return {path: _item(item) for path, item in moved.items()}


def _item(item: Document) -> Document:
    made = {method: _operation(item[method]) for method in _METHODS if method in item}
    return {**made, "parameters": [_parameter(each) for each in item.get("parameters", ())]}


def _operation(each: Document) -> Document:
    body = each.get("requestBody")
    found = [_parameter(parameter) for parameter in each.get("parameters", ())]
    made = {key: value for key, value in each.items() if key not in ("requestBody", "responses", "parameters")}
    made["consumes"] = ["*/*"]
    if body:
        media = body["content"]
        [shape, *_] = [every["schema"] for every in media.values()]
        said = {"name": "body", "in": "body", "schema": shape} | ({"required": True} if body.get("required") else {})
        made["consumes"], found = list(media), [said, *found]
    made["produces"] = list(MEDIA)
    if found:
        made["parameters"] = found
    made["schemes"] = ["https"]
    made["responses"] = {code: _response(answer) for code, answer in each["responses"].items()}
    return made


def _parameter(each: Document) -> Document:
    shape = {key: value for key, value in each["schema"].items() if key in _TYPED}
    return {**{key: value for key, value in each.items() if key != "schema"}, **shape}


def _response(answer: Document) -> Document:
    """Version 2 has one schema an answer, and no choice between two."""
    shape = next((every["schema"] for every in answer.get("content", {}).values()), None)
    if shape and "anyOf" in shape:
        [shape, *_] = shape["anyOf"]
    return {"description": answer["description"], **({"schema": shape} if shape else {})}
