"""Policies: expressions that judge what is written, and that change it."""
