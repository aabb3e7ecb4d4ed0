"""Job. A Job's pods are told from others' by a label of its uid, which the server puts into template and selector."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from apiserver.kinds import columns, names
from apiserver.kinds.batch.job_spec import validate_job_spec, warn_job_spec
from apiserver.kinds.batch.job_status import holding, validate_status
from apiserver.kinds.batch.job_template import validate_template_update
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, immutable, selector_column, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field, selectors
from podling.api.field import ErrorList, Path
from podling.api.meta import parse_time

UID_LABEL, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
FORMER = {UID_LABEL: "controller-uid", NAME_LABEL: "job-name"}
TEMPLATE = SPEC.child("template")
NO_LIMIT = 2**31 - 1
FIXED = (
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)
ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
# What a row's Status shows, the first that holds.
STATUSES = ("Complete", "Failed", "Terminating", "Suspended", "FailureTarget", "SuccessCriteriaMet")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pods.default_template(spec.setdefault("template", {}))
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    limit = 6 if spec.get("backoffLimitPerIndex") is None else NO_LIMIT
    replacement = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    for name, value in (
        ("parallelism", 1),
        ("backoffLimit", limit),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("manualSelector", False),
        ("podReplacementPolicy", replacement),
    ):
        spec[name] = value if spec.get(name) is None else spec[name]
    default_failure_policy(spec)
    _label(obj)


def _label(obj: Object) -> None:
    """A Job without labels has those of its template."""
    labels = (pods.template_of(obj).get("metadata") or {}).get("labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)


def default_failure_policy(spec: Object) -> None:
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"


_drop_status = drop_status("batch.v1.Job")


def prepare_create(obj: Object) -> None:
    _drop_status(obj)
    spec = spec_of(obj)
    if spec.get("manualSelector"):
        return
    wanted = _labels(obj)
    template = spec["template"].setdefault("metadata", {})
    template["labels"] = wanted | (template.get("labels") or {})
    selector = spec["selector"] = spec.get("selector") or {}
    selector["matchLabels"] = {UID_LABEL: wanted[UID_LABEL]} | (selector.get("matchLabels") or {})
    _label(obj)


def _labels(obj: Object) -> dict[str, str]:
    new = {UID_LABEL: obj["metadata"].get("uid", ""), NAME_LABEL: obj["metadata"].get("name", "")}
    return {former: new[name] for name, former in FORMER.items()} | new


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = [] if spec.get("manualSelector") or spec.get("selector") is None else _generated(obj)
    return errors + _validate_spec(spec) + _hostnames(obj)


def _validate_spec(spec: Object) -> ErrorList:
    errors = validate_job_spec(spec, SPEC)
    selector = spec.get("selector")
    if selector is None:
        errors.append(field.required(SPEC.child("selector")))
    else:
        wrong = names.selector(selector, SPEC.child("selector"))
        errors += wrong
        if not wrong:
            errors += pods.validate_matching(spec.get("template") or {}, selectors.from_object(selector), TEMPLATE)
    return errors


def _generated(obj: Object) -> ErrorList:
    """Where the server chose the labels nobody may have chosen others."""
    errors: ErrorList = []
    found = (pods.template_of(obj).get("metadata") or {}).get("labels") or {}
    for key, value in _labels(obj).items():
        path = TEMPLATE.child("metadata", "labels").key(key)
        if key not in found:
            errors.append(field.required(path, f"must be '{value}'"))
        elif found[key] != value:
            errors.append(field.invalid(path, pods.sorted_map(found), f"must be '{value}'"))
    selector = spec_of(obj)["selector"]
    path = SPEC.child("selector")
    if not names.selector(selector, path) and not selectors.matches(selectors.from_object(selector), _labels(obj)):
        shown = {**selector, "matchLabels": pods.sorted_map(selector.get("matchLabels"))}
        errors.append(field.invalid(SPEC.child("selector"), shown, "`selector` not auto-generated"))
    return errors


def _hostnames(obj: Object) -> ErrorList:
    """The last pod's name is its hostname."""
    spec, name = spec_of(obj), obj["metadata"].get("name", "")
    if spec.get("completionMode") != "Indexed" or (spec.get("completions") or 0) < 1:
        return []
    longest = f"{name}-{spec['completions'] - 1}"
    if not names.label(longest):
        return []
    words = f"will not able to create pod with invalid DNS label: {longest}"
    return [field.invalid(Path("metadata.name"), name, words)]


def validate_update(new: Object, old: Object) -> ErrorList:
    """Kubernetes looks at the spec a second time here."""
    now, was = spec_of(new), spec_of(old)
    errors = _validate_spec(now) + _completions(now, was)
    errors += immutable(now.get("selector"), was.get("selector"), SPEC.child("selector"))
    errors += validate_template_update(now["template"], was["template"], TEMPLATE, suspended=_is_suspended(old))
    for name in FIXED:
        errors += immutable(now.get(name), was.get(name), SPEC.child(name))
    return errors


def _completions(now: Object, was: Object) -> ErrorList:
    """An indexed Job may grow or shrink, as long as all its pods may run at once."""
    path, wanted = SPEC.child("completions"), now.get("completions")
    if now.get("completionMode") != "Indexed":
        return immutable(wanted, was.get("completions"), path)
    if wanted in (None, was.get("completions"), now.get("parallelism")):
        return []
    return [field.invalid(path, wanted, "can only be modified in tandem with spec.parallelism")]


def _is_suspended(job: Object) -> bool:
    """Nothing of it runs, and its controller knows: until then its template is that of pods that are."""
    status = status_of(job)
    if not spec_of(job).get("suspend") or status.get("active"):
        return False
    return status.get("startTime") is None or "Suspended" in holding(job)


def _status(obj: Object) -> str:
    found = holding(obj)
    if obj["metadata"].get("deletionTimestamp"):
        found.add("Terminating")
    return next((word for word in STATUSES if word in found), "Running")


def _done(obj: Object) -> str:
    spec, done = spec_of(obj), status_of(obj).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(obj: Object) -> str:
    found = status_of(obj)
    if not found.get("startTime"):
        return ""
    end = parse_time(found["completionTime"]) if found.get("completionTime") else datetime.now(UTC)
    return columns.duration(int((end - parse_time(found["startTime"])).total_seconds()))


def _warn(obj: Object) -> Sequence[str]:
    return warn_job_spec(spec_of(obj), SPEC)


def _selectable(obj: Object) -> Mapping[str, str]:
    return {"status.successful": str(status_of(obj).get("succeeded", 0))}


JOB = Kind(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    categories=("all",),
    schema=schema("batch.v1.Job"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warn=lambda obj: [*pods.warn_name(obj), *_warn(obj)],
    warn_update=pods.warn_update(_warn),
    generation=("spec",),
    orphans=True,
    warn_orphans=ORPHANS,
    selectable=_selectable,
    subresources=(status(validate_status),),
    columns=(
        columns.NAME,
        Column("Status", "string", "Status of the job.", _status),
        Column("Completions", "string", columns.documented("batch.v1.JobStatus", "succeeded"), _done),
        Column("Duration", "string", "Time required to complete the job.", _duration),
        columns.AGE,
        *pods.COLUMNS,
        selector_column("batch.v1.JobSpec"),
    ),
)
