"""The content of the files that hold secrets: read by the supervisor as root, handed to the worker that needs it.

The law: a secret is never logged, shown or put into a spec; a file that cannot be read makes its channel fail, visibly.
"""

from pathlib import Path

from hactl.config.model import Config
from notify.spec import EmailSpec, WebhookSpec


def read_secrets(config: Config) -> dict[str, str]:
    """The content of the secret files that channels name; one that cannot be read is left out and shows there."""
    secrets = {}
    for channel in config.notify.channels:
        delivery = channel.delivery
        file = None
        if isinstance(delivery, WebhookSpec):
            file = delivery.secret_file
        elif isinstance(delivery, EmailSpec):
            file = delivery.password_file
        if file is not None and (content := _secret(file)) is not None:
            secrets[file] = content
    return secrets


def _secret(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
