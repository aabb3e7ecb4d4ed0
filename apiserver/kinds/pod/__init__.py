"""Pod: a group of containers that run together on one node."""

from apiserver.kinds.pod.kind import POD

__all__ = ["POD"]
