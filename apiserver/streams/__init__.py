"""The streams behind kubectl logs, exec, attach and port-forward: from the client to the kubelet and back."""
