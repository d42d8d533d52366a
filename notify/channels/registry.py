"""Which channel serves which kind of delivery. Channels of other packages stand behind `plugin`."""

from collections.abc import Callable
from typing import Any

from notify.channels.base import Channel, Tools
from notify.channels.email import EmailChannel
from notify.channels.exec import ExecChannel
from notify.channels.plugin import PluginChannel
from notify.channels.syslog import SyslogChannel
from notify.channels.webhook import WebhookChannel
from notify.spec import ChannelSpec, EmailSpec, ExecSpec, PluginSpec, SyslogSpec, WebhookSpec

Factory = Callable[[Any, Tools, float], Channel]

_FACTORIES: dict[type, Factory] = {
    EmailSpec: EmailChannel,
    ExecSpec: ExecChannel,
    PluginSpec: PluginChannel,
    SyslogSpec: SyslogChannel,
    WebhookSpec: WebhookChannel,
}


def build(spec: ChannelSpec, tools: Tools) -> Channel:
    """The channel for this spec. Raises KeyError when nothing serves its kind of delivery."""
    return _FACTORIES[type(spec.delivery)](spec.delivery, tools, spec.timeout)
