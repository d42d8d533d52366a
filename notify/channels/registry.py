"""Which channel serves which kind of delivery. Further kinds are added here, by this program or by a
plug-in."""

from collections.abc import Callable
from typing import Any

from notify.channels.base import Channel, Tools
from notify.channels.email import EmailChannel
from notify.channels.exec import ExecChannel
from notify.channels.syslog import SyslogChannel
from notify.channels.webhook import WebhookChannel
from notify.spec import ChannelSpec, EmailSpec, ExecSpec, SyslogSpec, WebhookSpec

Factory = Callable[[Any, Tools, float], Channel]

_FACTORIES: dict[type, Factory] = {
    EmailSpec: EmailChannel,
    ExecSpec: ExecChannel,
    SyslogSpec: SyslogChannel,
    WebhookSpec: WebhookChannel,
}


def register(delivery: type, factory: Factory) -> None:
    """Let `factory(delivery spec, tools, timeout in seconds)` build the channels of this kind of delivery."""
    _FACTORIES[delivery] = factory


def build(spec: ChannelSpec, tools: Tools) -> Channel:
    """The channel for this spec. Raises KeyError when nothing serves its kind of delivery."""
    return _FACTORIES[type(spec.delivery)](spec.delivery, tools, spec.timeout)
