"""Probes and hooks: when they are due, and how each kind asks."""
