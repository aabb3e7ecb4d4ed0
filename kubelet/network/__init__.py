"""Where pods get their addresses: point-to-point veths of our own as root, a Docker network otherwise."""
