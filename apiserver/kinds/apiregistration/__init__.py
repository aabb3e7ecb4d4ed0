"""The kind of apiregistration.k8s.io."""
