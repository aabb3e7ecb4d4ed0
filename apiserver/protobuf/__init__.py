"""Kubernetes' other encoding of bodies, application/vnd.kubernetes.protobuf: what kubectl's typed clients send."""
