"""Events of events.k8s.io: the core group's, by other names."""
