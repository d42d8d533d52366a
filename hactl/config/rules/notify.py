"""Rules of the channels of notification."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from hactl.config.fault import suggestion
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.notify import EmailChannel, WebhookChannel
from notify.destinations import is_forbidden
from notify.event import EventKind
from notify.formats import Format

_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f:.%]*:[0-9a-z:.%]*")


def patterns(world: World) -> Iterator[Finding]:
    """A pattern matches at least one kind of event."""
    kinds = [kind.value for kind in EventKind]
    for name, channel in world.document.notify.items():
        for index, pattern in enumerate(channel.events):
            if not any(fnmatchcase(kind, pattern) for kind in kinds):
                message = f"'{pattern}' matches no kind of event{suggestion(pattern, kinds, at_most=30)}"
                yield fault("notify", name, "events", index, message=message)


def mail_logins(world: World) -> Iterator[Finding]:
    """A login has a user and a password, and smtps is TLS already."""
    for name, channel in world.document.notify.items():
        if not isinstance(channel, EmailChannel):
            continue
        if (channel.user is None) != (channel.password_file is None):
            yield fault("notify", name, message="user and password_file belong together", key=True)
        if channel.server.startswith("smtps://") and channel.starttls:
            yield fault(
                "notify", name, "starttls", message="smtps:// is TLS from the start; drop one", key=True
            )
        if channel.user is not None and channel.server.startswith("smtp://") and not channel.starttls:
            message = "a password goes out in the clear where the server offers no TLS; write starttls: true"
            yield warning("notify", name, "user", message=message, key=True)


def plain_webhooks(world: World) -> Iterator[Finding]:
    """A signed webhook should not go out in the clear."""
    for name, channel in world.document.notify.items():
        if isinstance(channel, WebhookChannel) and channel.url.startswith("http://") and channel.headers:
            yield warning("notify", name, "url", message="headers go out in the clear with http://")


def webhook_keys(world: World) -> Iterator[Finding]:
    """A form that carries the receiver's key needs it."""
    for name, channel in world.document.notify.items():
        if (
            isinstance(channel, WebhookChannel)
            and Format(channel.format).secret_is_key
            and not channel.secret_file
        ):
            message = f"{channel.format} needs secret_file: the file with the receiver's key"
            yield fault("notify", name, message=message, key=True)


def webhook_addresses(world: World) -> Iterator[Finding]:
    """A literal address that nothing is posted to would fail at each alert."""
    for name, channel in world.document.notify.items():
        host = urlsplit(channel.url).hostname or "" if isinstance(channel, WebhookChannel) else ""
        if _ADDRESS.fullmatch(host) and (why := is_forbidden(host)):
            yield fault("notify", name, "url", message=f"nothing is posted there: {why}")


RULES = (patterns, mail_logins, plain_webhooks, webhook_keys, webhook_addresses)
