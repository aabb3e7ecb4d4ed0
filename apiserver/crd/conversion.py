"""Objects of one version made objects of another by a webhook: the question, and what its answer must be. Pure.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from apiserver.kinds import names
from apiserver.patch.gotext import go_type
from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

GROUP = "apiextensions.k8s.io"
REVIEWS = ("v1", "v1beta1")


class ConversionError(Exception):
    """Why objects could not be converted."""


def review(versions: Sequence[str], objects: Sequence[Object], wanted: str, uid: str) -> Object:
    """The first version of a review that both sides know."""
    version = next((each for each in versions if each in REVIEWS), None)
    if version is None:
        raise ConversionError("no supported conversion review versions")
    request = {"uid": uid, "desiredAPIVersion": wanted, "objects": list(objects)}
    return {"kind": "ConversionReview", "apiVersion": f"{GROUP}/{version}", "request": request}


def answered(asked: Object, answer: Object) -> list[Any]:
    """The objects of an answer."""
    response = answer.get("response")
    if asked["apiVersion"] == f"{GROUP}/v1":
        said = (answer.get("apiVersion") or "", answer.get("kind") or "")
        if said != (asked["apiVersion"], asked["kind"]):
            wanted = f"{asked['apiVersion']}, Kind={asked['kind']}"
            raise ConversionError(f"expected webhook response of {wanted}, got {said[0] or '/'}, Kind={said[1]}")
        if response is None:
            raise ConversionError("no response provided")
        uid = asked["request"]["uid"]
        if response.get("uid", "") != uid:
            found = field.show(response.get("uid", ""))
            raise ConversionError(f"expected response.uid={field.show(uid)}, got {found}")
    elif response is None:
        raise ConversionError("no response provided")
    result = response.get("result") or {}
    if result.get("status") != "Success":
        words = f"response.result.status was '{result.get('status', '')}', not 'Success'"
        raise ConversionError(result.get("message") or words)
    return response.get("convertedObjects") or []


def checked(originals: Sequence[Object], converted: Sequence[Any], wanted: str) -> list[Object]:
    """The converted objects with the metadata of the originals, labels and annotations excepted."""
    if len(converted) != len(originals):
        raise ConversionError(f"returned {len(converted)} objects, expected {len(originals)}")
    return [
        _checked(original, found, wanted, position)
        for position, (original, found) in enumerate(zip(originals, converted, strict=True))
    ]


def _checked(original: Object, found: Any, wanted: str, position: int) -> Object:
    head = f"returned invalid converted object at index {position}"
    if not isinstance(found, dict):
        raise ConversionError(f"{head}: invalid type, expected=Unstructured, got={go_type(found)}")
    if (version := found.get("apiVersion") or "") != wanted:
        raise ConversionError(f"{head}: invalid groupVersion (expected {wanted}, received {version})")
    if (kind := found.get("kind") or "") != original["kind"]:
        raise ConversionError(f"{head}: invalid kind (expected {original['kind']}, received {kind})")
    before, after = original["metadata"], found.get("metadata")
    said = after if isinstance(after, dict) else {}
    for name, word in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        one, other = before.get(name, ""), said.get(name, "")
        if one != other:
            raise ConversionError(f"{head}: must have the same {word}: {one} != {other}")
    try:
        return {**found, "metadata": _metadata(before, found)}
    except ConversionError as error:
        raise ConversionError(f"returned invalid metadata in object at index {position}: {error}") from None


def _metadata(before: Object, converted: Object) -> Object:
    if "metadata" not in converted:
        raise ConversionError("missing metadata in converted object")
    after = converted["metadata"]
    if not isinstance(after, dict):
        raise ConversionError(f"invalid metadata of type {go_type(after)} in converted object")
    made: Object = deepcopy(before)
    for name in ("labels", "annotations"):
        found = after.get(name)
        if found is None:
            made.pop(name, None)
            continue
        if not isinstance(found, dict):
            raise ConversionError(f"invalid metadata.{name} of type {go_type(found)} in converted object")
        for key, value in found.items():
            if not isinstance(value, str):
                words = f"metadata.{name}[{key}] must be a string, but is {go_type(value)} in converted object"
                raise ConversionError(words)
        if found != before.get(name) and (wrong := _wrong(name, found)):
            texts = [str(error) for error in wrong]
            raise ConversionError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
        made[name] = found
    return made


def _wrong(name: str, found: dict[str, str]) -> ErrorList:
    if name == "labels":
        return names.labels(found, Path("metadata.labels"))
    return names.annotations(found, Path("metadata.annotation"))
