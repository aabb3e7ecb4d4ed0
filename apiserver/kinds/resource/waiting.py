"""Conditions that a device must meet before a pod is bound to its node. Pure.

Source: validateDeviceBindingParameters of kubernetes/pkg/apis/resource/validation.
"""

from apiserver.kinds.kind import Object
from apiserver.kinds.resource.identifiers import label_key
from apiserver.kinds.resource.lists import validate_set
from podling.api import field
from podling.api.field import ErrorList, Path

WANTED, UNWANTED = "bindingConditions", "bindingFailureConditions"
MOST = 4


def validate_binding_conditions(found: Object, path: Path) -> ErrorList:
    wanted, unwanted = found.get(WANTED) or [], found.get(UNWANTED) or []
    errors = validate_set(wanted, MOST, label_key, path.child(WANTED))
    errors += validate_set(unwanted, MOST, label_key, path.child(UNWANTED))
    for place, each in enumerate(unwanted):
        if each in wanted:
            words = f"{UNWANTED} must not overlap with {WANTED}"
            errors.append(field.invalid(path.child(UNWANTED).index(place), each, words))
    if unwanted and not wanted:
        words = f"{WANTED} are required to use {UNWANTED}"
        errors.append(field.invalid(path.child(WANTED), found.get(WANTED), words))
    if wanted and not unwanted:
        words = f"{UNWANTED} are required to use {WANTED}"
        errors.append(field.invalid(path.child(UNWANTED), found.get(UNWANTED), words))
    return errors
