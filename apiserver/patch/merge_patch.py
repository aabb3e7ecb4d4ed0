"""Merge patch (RFC 7386): objects merge member by member, null deletes, everything else replaces."""

from typing import Any


def apply_merge_patch(current: Any, patch: Any) -> Any:
    """The patched value; shares what did not change with `current`, which stays as it was."""
    if not isinstance(patch, dict) or not isinstance(current, dict):
        return without_nulls(patch)
    merged = dict(current)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif merged.get(key) is None:
            merged[key] = without_nulls(value)
        else:
            merged[key] = apply_merge_patch(merged[key], value)
    return merged


def without_nulls(value: Any) -> Any:
    """A new value of a patch: its objects lose their null members, also those inside lists."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
