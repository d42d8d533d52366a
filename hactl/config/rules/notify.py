"""Rules of the channels of notification."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from hactl.config.build.notify import window
from hactl.config.fault import suggestion
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.config.schema.notify import EmailChannel, WebhookChannel
from notify.destinations import is_forbidden
from notify.event import EventKind, Severity
from notify.formats import Format
from notify.quiet import is_endless, zone_of

SHORTEST_REPEAT = 1.0
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


def patience(world: World) -> Iterator[Finding]:
    """Beginnings are counted within a time, and something is told at last."""
    for name, channel in world.document.notify.items():
        after = channel.after
        if after is None:
            continue
        if (after.failures is None) != (after.within is None):
            message = "failures and within belong together: {failures: 3, within: 10m}"
            yield fault("notify", name, "after", message=message, key=True)
        elif after.lasting is None and after.within is None:
            yield fault(
                "notify", name, "after", message="lasting, or failures and within, is missing", key=True
            )


def repeats(world: World) -> Iterator[Finding]:
    """A program that runs for each event is run for each repeat as well; too often is a mistake."""
    for name, channel in world.document.notify.items():
        if 0 < channel.repeat < SHORTEST_REPEAT:
            message = f"must be at least {SHORTEST_REPEAT:g}s, or off"
            yield fault("notify", name, "repeat", message=message)


def quiet_times(world: World) -> Iterator[Finding]:
    """The zone is known, and what is held is told some time."""
    for name, channel in world.document.notify.items():
        known = True
        for index, quiet in enumerate(channel.quiet):
            try:
                zone_of(quiet.zone)
            except ValueError as error:
                known = False
                yield fault("notify", name, "quiet", index, "zone", message=str(error))
        windows = [window(quiet) for quiet in channel.quiet] if known else []
        if any(is_endless(windows, severity) for severity in Severity):
            message = (
                "these times never end; what they hold would never be told (use severity to leave it out)"
            )
            yield fault("notify", name, "quiet", message=message, key=True)


RULES = (
    patterns,
    mail_logins,
    plain_webhooks,
    webhook_keys,
    webhook_addresses,
    patience,
    repeats,
    quiet_times,
)
