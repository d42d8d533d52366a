"""Which files with secrets a configuration names, and for whom; core."""

from collections.abc import Iterable, Mapping

from hactl.config.model import Config
from health.spec import Probe
from notify.spec import EmailSpec, PluginSpec, WebhookSpec


def channel_files(config: Config) -> tuple[str, ...]:
    """The secret files that notification channels name."""
    files = []
    for channel in config.notify.channels:
        delivery = channel.delivery
        if isinstance(delivery, WebhookSpec | PluginSpec):
            files.append(delivery.secret_file)
        elif isinstance(delivery, EmailSpec):
            files.append(delivery.password_file)
    return tuple(file for file in files if file is not None)


def check_files(config: Config) -> tuple[str, ...]:
    """The secret files that checks name."""
    return probe_files(check.probe for check in config.checks)


def probe_files(probes: Iterable[Probe]) -> tuple[str, ...]:
    """The secret files that probes name, each once."""
    keys = ("password_file", "secret_file")
    files = (getattr(probe, key, None) for probe in probes for key in keys)
    return tuple(dict.fromkeys(file for file in files if file is not None))


def router_files(config: Config) -> tuple[str, ...]:
    """The secret files that routers name."""
    files = (router.authentication_file for router in config.failover.routers)
    return tuple(file for file in files if file is not None)


def page_tokens(config: Config, secrets: Mapping[str, str]) -> str:
    """The text of the file with the page's tokens; empty: nobody may act there."""
    return secrets.get(config.control.token_file or "", "")


def all_files(config: Config) -> tuple[str, ...]:
    """Every file with a secret."""
    peers = config.failover.channel
    more = (peers.key_file if peers is not None else None, config.control.token_file)
    return (
        *channel_files(config),
        *check_files(config),
        *router_files(config),
        *(file for file in more if file is not None),
    )
