"""Kinds of autoscaling: the HorizontalPodAutoscaler, stored as v2, served as v1 too."""
