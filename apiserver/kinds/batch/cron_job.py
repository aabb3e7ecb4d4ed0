"""CronJob."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.batch.job import default_failure_policy
from apiserver.kinds.batch.job_spec import validate_job_spec, warn_job_spec
from apiserver.kinds.batch.schedule import ScheduleError, check, is_zone
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, selector_text, spec_of, status_of, validate_counts
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

POLICIES = ("Allow", "Forbid", "Replace")
LONGEST_NAME = 52  # the names of its Jobs have 11 letters more
JOB = SPEC.child("jobTemplate", "spec")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    inner = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
    pods.default_template(inner.setdefault("template", {}))
    default_failure_policy(inner)
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    for name, value in (("suspend", False), ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1)):
        spec[name] = value if spec.get(name) is None else spec[name]


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = _schedule(spec, SPEC.child("schedule"))
    errors += validate_counts(spec, ("startingDeadlineSeconds",), SPEC)
    errors += _time_zone(spec.get("timeZone"), SPEC.child("timeZone"))
    policy = spec.get("concurrencyPolicy", "")
    if policy not in POLICIES:
        errors.append(field.not_supported(SPEC.child("concurrencyPolicy"), policy, POLICIES))
    errors += _job_template((spec.get("jobTemplate") or {}).get("spec") or {})
    return errors + validate_counts(spec, ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"), SPEC)


def validate_create(obj: Object) -> ErrorList:
    name = obj["metadata"].get("name", "")
    words = f"must be no more than {LONGEST_NAME} characters"
    return [field.invalid(Path("metadata.name"), name, words)] if len(name) > LONGEST_NAME else []


def _schedule(spec: Object, path: Path) -> ErrorList:
    text = spec.get("schedule", "")
    if not text:
        return [field.required(path)]
    errors: ErrorList = []
    try:
        check(text)
    except ScheduleError as error:
        errors.append(field.invalid(path, text, str(error)))
    if "TZ" in text:
        words = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(field.invalid(path, text, words))
    return errors


def _time_zone(name: str | None, path: Path) -> ErrorList:
    if name is None:
        return []
    if not name:
        return [field.invalid(path, name, "timeZone must be nil or non-empty string")]
    errors: ErrorList = []
    if name.lower() == "local":
        words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        errors.append(field.invalid(path, name, words))
    return (
        errors
        if name == "Local" or is_zone(name)
        else [*errors, field.invalid(path, name, f"unknown time zone {name}")]
    )


def _job_template(spec: Object) -> ErrorList:
    errors = validate_job_spec(spec, JOB)
    if spec.get("selector") is not None:
        errors.append(field.invalid(JOB.child("selector"), spec["selector"], "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        errors.append(field.not_supported(JOB.child("manualSelector"), True, ("nil", "false")))
    return errors


def _job(obj: Object) -> Object:
    """As a Job holds it."""
    return {"spec": (spec_of(obj).get("jobTemplate") or {}).get("spec") or {}}


def _warn(obj: Object) -> Sequence[str]:
    return warn_job_spec(_job(obj)["spec"], JOB)


def _last(obj: Object) -> str:
    since = status_of(obj).get("lastScheduleTime")
    return columns.age(since) if since else columns.NONE


_SPEC, _STATUS = "batch.v1.CronJobSpec", "batch.v1.CronJobStatus"
CRON_JOB = Kind(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    short_names=("cj",),
    categories=("all",),
    schema=schema("batch.v1.CronJob"),
    default=default,
    prepare_create=drop_status("batch.v1.CronJob"),
    prepare_update=keep_status,
    validate=validate,
    validate_create=validate_create,
    warn=lambda obj: [*pods.warn_name(obj), *_warn(obj)],
    warn_update=pods.warn_update(_warn),
    generation=("spec",),
    subresources=(status(),),
    columns=(
        columns.NAME,
        columns.shown("Schedule", _SPEC, "spec.schedule"),
        Column(
            "Timezone",
            "string",
            columns.documented(_SPEC, "timeZone"),
            lambda obj: spec_of(obj).get("timeZone") or columns.NONE,
        ),
        Column(
            "Suspend",
            "boolean",
            columns.documented(_SPEC, "suspend"),
            lambda obj: str(bool(spec_of(obj).get("suspend"))),
        ),
        Column(
            "Active",
            "integer",
            columns.documented(_STATUS, "active"),
            lambda obj: len(status_of(obj).get("active") or ()),
        ),
        Column("Last Schedule", "string", columns.documented(_STATUS, "lastScheduleTime"), _last),
        columns.AGE,
        *(columns.of_part(each, _job) for each in pods.COLUMNS),
        Column(
            "Selector",
            "string",
            columns.documented("batch.v1.JobSpec", "selector"),
            lambda obj: selector_text(_job(obj)["spec"].get("selector")),
            priority=1,
        ),
    ),
)
