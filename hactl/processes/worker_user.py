"""Who the workers run as on this host; edge, because it asks the host for its users."""

from hactl.config.model import Config
from hactl.workers.base import user_exists


def worker_user(config: Config) -> tuple[str, str]:
    """Who the workers run as, and a warning where that is not as it should be."""
    return chosen_user(config.health.user)


def chosen_user(configured: str | None) -> tuple[str, str]:
    """The same by `health.user` of the file."""
    if configured is not None:
        return configured, ""
    if user_exists("hactl"):
        return "hactl", ""
    return "nobody", "there is no user 'hactl'; workers run as 'nobody' (health.user names another)"
