"""What this server lets pods ask for: told once, when it starts, as kube-apiserver's --allow-privileged is.

Source: k8s.io/kubernetes/pkg/capabilities.
"""

from dataclasses import dataclass


@dataclass
class Capabilities:
    allow_privileged: bool = False


CAPABILITIES = Capabilities()
