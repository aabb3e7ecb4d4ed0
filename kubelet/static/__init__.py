"""Static pods: from manifests on this machine, with mirrors in the API."""
