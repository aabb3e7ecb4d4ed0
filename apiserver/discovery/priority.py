"""Which version of an API comes first: v2, v1, v1beta2, v1beta1, v1alpha1, foo10, foo9. Pure.

Source: k8s.io/apimachinery/pkg/version/helpers.go (CompareKubeAwareVersionStrings).
"""

import re

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STABILITY = {None: 0, "beta": 1, "alpha": 2}

Priority = tuple[int, int, int, int, str]


def priority(version: str) -> Priority:
    """A key that sorts the best version first."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return 1, 0, 0, 0, version
    return 0, _STABILITY[found[2]], -int(found[1]), -int(found[3] or 0), ""
