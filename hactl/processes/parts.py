"""Which parts of the notify worker a configuration needs; core.

The law: a part is loaded where the configuration asks for it and nowhere else, for most of a worker's memory is what its
libraries hold all the time. It is loaded while the worker is root, since later its files may be out of reach: a worker that
lacks a part which a reload asks for is started anew.
"""

import enum
from collections.abc import Iterable, Sequence

from hactl.config.model import Config
from notify.spec import EmailSpec, PluginSpec, WebhookSpec

MARK = "--"
"""Parts the others on the worker's command line from the words that name its parts."""


class Part(enum.Enum):
    """What can be left out."""

    EMAIL = "email"
    PAGE = "page"
    PLUGIN = "plugin"
    WEBHOOK = "webhook"


_OF_DELIVERIES = {EmailSpec: Part.EMAIL, PluginSpec: Part.PLUGIN, WebhookSpec: Part.WEBHOOK}


def needed(config: Config) -> frozenset[Part]:
    """What this configuration cannot do without."""
    kinds = {type(channel.delivery) for channel in config.notify.channels}
    channels = {part for kind, part in _OF_DELIVERIES.items() if kind in kinds}
    return frozenset(channels | {Part.PAGE} if config.control.http else channels)


def words(parts: Iterable[Part]) -> tuple[str, ...]:
    """The end of the worker's command line."""
    return (MARK, *sorted(part.value for part in parts))


def read(command_line: Sequence[str]) -> tuple[Sequence[str], frozenset[Part]]:
    """The command line without its end, and the parts named there. Raises ValueError where one is not known."""
    end = command_line.index(MARK) if MARK in command_line else len(command_line)
    return command_line[:end], frozenset(Part(word) for word in command_line[end + 1 :])
