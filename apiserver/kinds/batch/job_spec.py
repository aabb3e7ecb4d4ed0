"""A Job's spec, which a CronJob holds too: its rules, without those of the selector."""

from apiserver.kinds import names
from apiserver.kinds.batch.policies import validate_failure_policy, validate_success_policy
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.template import validate_template
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.workload import validate_counts
from podling.api import field
from podling.api.field import ErrorList, Path

MODES = ("NonIndexed", "Indexed")
COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
)
MOST_CHARACTERS = 63  # of managedBy
MOST_PARALLEL = MOST_INDEXES = 100_000
MOST_PARALLEL_OF_MANY = MOST_INDEXES_OF_MANY = 10_000
RESTART_POLICIES = ("OnFailure", "Never")


def validate_job_spec(spec: Object, path: Path) -> ErrorList:
    errors = validate_counts(spec, COUNTS, path)
    if spec.get("maxFailedIndexes") is not None:
        errors += validate_not_negative(spec["maxFailedIndexes"], path.child("maxFailedIndexes"))
        if spec.get("backoffLimitPerIndex") is None:
            where = path.child("backoffLimitPerIndex")
            errors.append(field.required(where, "when maxFailedIndexes is specified"))
    if spec.get("managedBy") is not None:
        errors += names.domain_path(spec["managedBy"], path.child("managedBy"))
        if len(spec["managedBy"]) > MOST_CHARACTERS:
            errors.append(field.too_long(path.child("managedBy"), MOST_CHARACTERS))
    errors += _mode(spec, path)
    if spec.get("podFailurePolicy") is not None:
        errors += validate_failure_policy(spec, path.child("podFailurePolicy"))
    if spec.get("successPolicy") is not None:
        errors += validate_success_policy(spec, path.child("successPolicy"))
    errors += _replacement(spec, path.child("podReplacementPolicy"))
    errors += validate_template(spec.get("template") or {}, path.child("template"))
    return errors + _restart_policy(spec, path.child("template", "spec", "restartPolicy"))


def warn_job_spec(spec: Object, path: Path) -> list[str]:
    """Source: kubernetes/pkg/api/job.WarningsForJobSpec."""
    found: list[str] = []
    many, at_once = spec.get("completions") or 0, spec.get("parallelism") or 0
    if spec.get("completionMode") == "Indexed" and many > MOST_INDEXES and at_once > MOST_PARALLEL_OF_MANY:
        words = "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        limits = "a number of completions higher than 10^5 and a parallelism higher than 10^4"
        found.append(f"{path}: In Indexed Jobs with {limits}, {words}")
    return [*found, *warn_template(spec.get("template") or {}, path.child("template"))]


def _mode(spec: Object, path: Path) -> ErrorList:
    mode = spec.get("completionMode")
    errors: ErrorList = []
    if mode is not None and mode not in MODES:
        errors.append(field.not_supported(path.child("completionMode"), mode, MODES))
    if mode == "Indexed":
        errors += _indexed(spec, path)
    if mode in (None, "NonIndexed"):
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                errors.append(field.invalid(path.child(name), spec[name], "requires indexed completion mode"))
    return errors


def _indexed(spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    completions, parallelism, failed = (spec.get(each) for each in ("completions", "parallelism", "maxFailedIndexes"))
    if completions is None:
        errors.append(field.required(path.child("completions"), "when completion mode is Indexed"))
    if parallelism is not None and parallelism > MOST_PARALLEL:
        words = f"must be less than or equal to {MOST_PARALLEL} when completion mode is Indexed"
        errors.append(field.invalid(path.child("parallelism"), parallelism, words))
    if failed is not None and completions is not None and failed > completions:
        words = "must be less than or equal to completions"
        errors.append(field.invalid(path.child("maxFailedIndexes"), failed, words))
    if failed is not None and failed > MOST_INDEXES:
        words = f"must be less than or equal to {MOST_INDEXES}"
        errors.append(field.invalid(path.child("maxFailedIndexes"), failed, words))
    if completions is not None and completions > MOST_INDEXES and spec.get("backoffLimitPerIndex") is not None:
        many = f"when completions are above {MOST_INDEXES} and used with backoff limit per index"
        if failed is None:
            words = f"must be specified when completions is above {MOST_INDEXES}"
            errors.append(field.required(path.child("maxFailedIndexes"), words))
        if parallelism is not None and parallelism > MOST_PARALLEL_OF_MANY:
            words = f"must be less than or equal to {MOST_PARALLEL_OF_MANY} {many}"
            errors.append(field.invalid(path.child("parallelism"), parallelism, words))
        if failed is not None and failed > MOST_INDEXES_OF_MANY:
            words = f"must be less than or equal to {MOST_INDEXES_OF_MANY} {many}"
            errors.append(field.invalid(path.child("maxFailedIndexes"), failed, words))
    return errors


def _replacement(spec: Object, path: Path) -> ErrorList:
    policy = spec.get("podReplacementPolicy")
    known = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    return [] if policy is None or policy in known else [field.not_supported(path, policy, known)]


def _restart_policy(spec: Object, path: Path) -> ErrorList:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy", "")
    if policy in ("", "Always"):
        return [field.required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in RESTART_POLICIES:
        return [field.not_supported(path, policy, RESTART_POLICIES)]
    if policy == "OnFailure" and spec.get("podFailurePolicy") is not None:
        words = 'only "Never" is supported when podFailurePolicy is specified'
        return [field.invalid(path, policy, words)]
    return []
