"""Generated examples have no deadline on any machine: what is slow there is the machine, and no property of ours."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unhurried",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=50,  # the whole suite has to end within CI's quarter of an hour
)
settings.load_profile("unhurried")
