"""The version of Kubernetes that every part of a cluster says it is."""

KUBERNETES = "v1.36.1"
OURS = f"{KUBERNETES}+podling"  # what clients compare: the suffix does not count
