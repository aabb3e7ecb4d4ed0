"""Kinds of admissionregistration.k8s.io: who besides the server itself judges and changes what is written."""
