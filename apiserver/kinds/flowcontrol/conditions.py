"""Status of flow schemas and priority levels: conditions, each type once."""

from apiserver.kinds.kind import Object
from apiserver.kinds.workload import STATUS, status_of
from podling.api import field
from podling.api.field import ErrorList


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    known: set[str] = set()
    for position, condition in enumerate(status_of(obj).get("conditions") or ()):
        path, type_ = STATUS.child("conditions").index(position).child("type"), condition.get("type", "")
        if type_ in known:
            errors.append(field.duplicate(path, type_))
        known.add(type_)
        if not type_:
            errors.append(field.required(path, "must not be empty"))
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    return validate(new)
