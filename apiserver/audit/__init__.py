"""Who did what: a line of JSON a stage of a request, as the policy wants it told (audit.k8s.io/v1).

policy.py: which requests, how much of them      event.py: one request's events      auditor.py: their file
"""
