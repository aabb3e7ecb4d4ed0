"""A pod's paths `ephemeralcontainers` and `resize`. Each puts back what is not its own to change.

Source: kubernetes/pkg/registry/core/pod/strategy.go and the validation that it calls.
"""

from copy import deepcopy

from apiserver.kinds.go import ephemeral_difference
from apiserver.kinds.kind import Object, Subresource
from apiserver.kinds.pod.annotations import MIRROR, validate_annotations_update
from apiserver.kinds.pod.kept import keep_metadata
from apiserver.kinds.pod.resize import prepare_resize, validate_resize
from apiserver.kinds.pod.validate import SPEC, validate_pod
from apiserver.kinds.strategy import READ_WRITE
from podling.api import field
from podling.api.field import ErrorList, Path


def prepare_ephemeral(new: Object, old: Object) -> None:
    wanted = (new.get("spec") or {}).get("ephemeralContainers")
    new["spec"] = deepcopy(old.get("spec", {}))
    new["spec"].pop("ephemeralContainers", None)
    if wanted:
        new["spec"]["ephemeralContainers"] = wanted
    new["status"] = old.get("status", {})
    keep_metadata(new, old)


def validate_ephemeral(new: Object, old: Object) -> ErrorList:
    """They may be added, never changed or taken away; a mirror pod cannot have any."""
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [field.forbidden(Path(), "static pods do not support ephemeral containers")]
    errors = validate_pod(new) + validate_annotations_update(new, old)
    path = SPEC.child("ephemeralContainers")
    found = {each.get("name"): each for each in new["spec"].get("ephemeralContainers") or ()}
    for was in old["spec"].get("ephemeralContainers") or ():
        now = found.get(was.get("name"))
        head = f'existing ephemeral containers "{was.get("name", "")}" may not be'
        if now is None:
            errors.append(field.forbidden(path, f"{head} removed\n"))
        elif now != was:
            errors.append(field.forbidden(path, f"{head} changed\n{ephemeral_difference(was, now)}"))
    return errors


EPHEMERAL_CONTAINERS = Subresource(
    "ephemeralcontainers", READ_WRITE, prepare_update=prepare_ephemeral, validate_update=validate_ephemeral
)
RESIZE = Subresource("resize", READ_WRITE, prepare_update=prepare_resize, validate_update=validate_resize)
