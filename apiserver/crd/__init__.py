"""Custom resources: what a CustomResourceDefinition must be, and the kinds that are made of it.

definition.py   the kind CustomResourceDefinition itself; rules.py, names.py … what is right about one
status.py       what the server says of one: names accepted, established, terminating
custom.py       a definition becomes kinds, one a served version; strategy.py, versions.py … what these do
controller.py   the loop that does so on every change
"""
