"""Images without a registry: built on this machine from Debian's packages."""
