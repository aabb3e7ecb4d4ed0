"""Patches of objects: JSON Patch, merge patch and strategic merge patch, as Kubernetes reads them."""
