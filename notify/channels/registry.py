"""Which channel serves which kind of delivery. Channels of other packages stand behind `plugin`.

The law: the channels of mail and webhooks are imported with the first of their kind, for they bring libraries of many
megabytes. A process that will lose the right to read them imports those modules before.
"""

from notify.channels.base import Channel, Tools
from notify.channels.exec import ExecChannel
from notify.channels.plugin import PluginChannel
from notify.channels.syslog import SyslogChannel
from notify.spec import ChannelSpec, EmailSpec, ExecSpec, PluginSpec, SyslogSpec, WebhookSpec


def build(spec: ChannelSpec, tools: Tools) -> Channel:
    """The channel for this spec."""
    match spec.delivery:
        case EmailSpec() as delivery:
            from notify.channels.email import EmailChannel

            return EmailChannel(delivery, tools, spec.timeout)
        case WebhookSpec() as delivery:
            from notify.channels.webhook import WebhookChannel

            return WebhookChannel(delivery, tools, spec.timeout)
        case ExecSpec() as delivery:
            return ExecChannel(delivery, tools, spec.timeout)
        case PluginSpec() as delivery:
            return PluginChannel(delivery, tools, spec.timeout)
        case SyslogSpec() as delivery:
            return SyslogChannel(delivery, tools, spec.timeout)
