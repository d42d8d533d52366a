"""Whom this director hears over the directors' own channel; core."""

from hactl.config.model import Config


def on_channel(config: Config) -> frozenset[str]:
    """The directors that are heard there; none where the channel is off."""
    channel = config.failover.channel
    if channel is None or channel.key_file is None:
        return frozenset()
    return frozenset(peer.name for peer in channel.peers)
