"""What holds for every test: a property is about answers, not about how long a busy machine takes to find them."""

from hypothesis import HealthCheck, settings

settings.register_profile("podling", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podling")
