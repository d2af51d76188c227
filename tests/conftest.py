"""How the property tests run: no time limit on one example, for CI machines are uneven."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "bertie", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("bertie")
