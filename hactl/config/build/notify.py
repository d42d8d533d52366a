"""Channels of notification as the notify worker gets them."""

import msgspec

from hactl.config.schema import notify as schema
from hactl.config.schema.document import Document
from hactl.config.schema.notify import (
    Channel,
    EmailChannel,
    ExecChannel,
    PluginChannel,
    SyslogChannel,
    WebhookChannel,
)
from notify.event import Severity
from notify.formats import Format
from notify.quiet import DAYS, Window
from notify.spec import (
    After,
    ChannelSpec,
    Delivery,
    EmailSpec,
    ExecSpec,
    NotifySpec,
    PluginSpec,
    SyslogSpec,
    WebhookSpec,
)


def notify_spec(document: Document, node: str) -> NotifySpec:
    """All channels, and how long history is kept."""
    channels = tuple(_channel(name, channel, node) for name, channel in document.notify.items())
    return NotifySpec(channels=channels, history=document.history)


def _channel(name: str, channel: Channel, node: str) -> ChannelSpec:
    return ChannelSpec(
        name=name,
        delivery=_delivery(channel, node),
        events=tuple(channel.events),
        severity=Severity(channel.severity),
        digest=channel.digest,
        timeout=channel.timeout,
        give_up=channel.give_up,
        after=None if channel.after is None else _after(channel.after),
        every=channel.every,
        repeat=channel.repeat,
        recovery=channel.recovery,
        quiet=tuple(map(window, channel.quiet)),
    )


def _after(after: schema.After) -> After:
    within = after.within or 0.0
    lasting = within if after.lasting is None else after.lasting
    return After(lasting=lasting, failures=after.failures or 0, within=within)


def window(quiet: schema.Quiet) -> Window:
    """A quiet time as the channel keeps it."""
    return Window(
        start=quiet.start,
        end=quiet.end,
        days=tuple(DAYS.index(day) for day in quiet.days),
        zone=quiet.zone,
        passes=None if quiet.passes == "none" else Severity(quiet.passes),
    )


def _delivery(channel: Channel, node: str) -> Delivery:
    match channel:
        case EmailChannel():
            return _email(channel, node)
        case WebhookChannel():
            return WebhookSpec(
                url=channel.url,
                form=Format(channel.format),
                secret_file=channel.secret_file,
                headers=tuple(channel.headers.items()),
                verify=channel.verify,
            )
        case ExecChannel():
            return ExecSpec(command=tuple(channel.command), user=channel.user)
        case SyslogChannel():
            return SyslogSpec(facility=channel.facility)
        case PluginChannel():
            return PluginSpec(
                plugin=channel.plugin,
                options=msgspec.json.encode(channel.options, order="sorted").decode(),
                secret_file=channel.secret_file,
                batch=channel.batch,
            )
    raise TypeError(f"no delivery for {type(channel).__name__}")


def _email(channel: EmailChannel, node: str) -> EmailSpec:
    return EmailSpec(
        to=tuple(channel.to),
        sender=channel.sender or f"hactl@{node}",
        server=channel.server,
        user=channel.user,
        password_file=channel.password_file,
        starttls=channel.starttls,
        verify=channel.verify,
    )
