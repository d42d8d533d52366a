"""The content of the files that hold secrets: read by the supervisor as root, handed to the worker that needs it.

The law: a secret is never logged, shown or put into a spec; a file that cannot be read makes its channel fail, visibly.
"""

from pathlib import Path

from hactl.config.model import Config
from notify.spec import EmailSpec, WebhookSpec


def channel_files(config: Config) -> tuple[str, ...]:
    """The secret files that notification channels name."""
    files = []
    for channel in config.notify.channels:
        delivery = channel.delivery
        if isinstance(delivery, WebhookSpec):
            files.append(delivery.secret_file)
        elif isinstance(delivery, EmailSpec):
            files.append(delivery.password_file)
    return tuple(file for file in files if file is not None)


def check_files(config: Config) -> tuple[str, ...]:
    """The secret files that checks name."""
    files = (getattr(check.probe, "password_file", None) for check in config.checks)
    return tuple(dict.fromkeys(file for file in files if file is not None))


def router_files(config: Config) -> tuple[str, ...]:
    """The secret files that routers name."""
    files = (router.authentication_file for router in config.failover.routers)
    return tuple(file for file in files if file is not None)


def read_secrets(config: Config) -> dict[str, str]:
    """The content of every secret file by its path; one that cannot be read is left out and shows where it is used."""
    peers = config.failover.channel
    wanted = (*channel_files(config), *check_files(config), *router_files(config))
    if peers is not None and peers.key_file is not None:
        wanted = (*wanted, peers.key_file)
    contents = ((file, _secret(file)) for file in wanted)
    return {file: content for file, content in contents if content is not None}


def _secret(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
