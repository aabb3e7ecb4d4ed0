"""PodDisruptionBudget. Source: kubernetes/pkg/apis/policy/validation."""

from apiserver.kinds import columns, names
from apiserver.kinds.conditions import validate_conditions
from apiserver.kinds.fraction import validate_at_most_all, validate_fraction
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, count, spec_of, status_of, validate_counts
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

AMOUNTS = ("minAvailable", "maxUnavailable")
POLICIES = ("AlwaysAllow", "IfHealthyBudget")
COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors: ErrorList = []
    if all(spec.get(name) is not None for name in AMOUNTS):
        fields = ("minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy")
        shown = {f"{name[0].upper()}{name[1:]}": spec.get(name) for name in fields}
        errors.append(field.invalid(SPEC, shown, "minAvailable and maxUnavailable cannot be both set"))
    for name in AMOUNTS:
        if spec.get(name) is not None:
            errors += validate_fraction(spec[name], SPEC.child(name))
            errors += validate_at_most_all(spec[name], SPEC.child(name))
    errors += names.selector(spec.get("selector"), SPEC.child("selector"))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in POLICIES:
        errors.append(field.not_supported(SPEC.child("unhealthyPodEvictionPolicy"), policy, POLICIES))
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    found = status_of(new)
    errors = validate_conditions(found.get("conditions") or (), STATUS.child("conditions"))
    return errors + validate_counts(found, COUNTS, STATUS)


def _amount(name: str, title: str, documented: str) -> Column:
    def cell(obj: Object) -> str:
        value = spec_of(obj).get(name)
        return "N/A" if value is None else str(value)

    return Column(title, "string", documented, cell)


PDB = "policy.v1.PodDisruptionBudget"
POD_DISRUPTION_BUDGET = Kind(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    short_names=("pdb",),
    schema=schema(PDB),
    prepare_create=drop_status(PDB),
    prepare_update=keep_status,
    validate=validate,
    generation=("spec",),
    unconditional_update=False,
    subresources=(status(validate_status),),
    columns=(
        columns.NAME,
        _amount("minAvailable", "Min Available", "The minimum number of pods that must be available."),
        _amount("maxUnavailable", "Max Unavailable", "The maximum number of pods that may be unavailable."),
        count("Allowed Disruptions", f"{PDB}Status", "disruptionsAllowed")._replace(
            description="Calculated number of pods that may be disrupted at this time."
        ),
        columns.AGE,
    ),
)
