"""Who owns which field: `metadata.managedFields`, and server-side apply.

Source of rules and words: sigs.k8s.io/structured-merge-diff and k8s.io/apimachinery/pkg/util/managedfields.
"""

from apiserver.managedfields.apply import apply, called, check_config
from apiserver.managedfields.track import keep_times, manager_name, track

__all__ = ["apply", "called", "check_config", "keep_times", "manager_name", "track"]
