"""A channel that another package brings.

The law: it is built when it is first needed, and again after a failure to build it, so that a plug-in that is missing or
trips over its options is a failing channel and never keeps a configuration from being taken on.
"""

from collections.abc import Sequence

import msgspec

from notify import plugins
from notify.channels.base import Channel, DeliveryError, Tools
from notify.event import Event
from notify.spec import PluginSpec


class PluginChannel:
    """Stands for the plug-in's own channel."""

    def __init__(self, spec: PluginSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._tools = tools
        self._timeout = timeout
        self._inner: Channel | None = None
        self.batch = spec.batch

    async def deliver(self, events: Sequence[Event]) -> str:
        """Have the plug-in deliver them."""
        if self._inner is None:
            self._inner = self._build()
        return await self._inner.deliver(events)

    def _build(self) -> Channel:
        try:
            make = plugins.make(self._spec.plugin)
            return make(msgspec.json.decode(self._spec.options), self._tools, self._timeout)
        except (ValueError, KeyError, TypeError) as error:
            raise DeliveryError(str(error) or type(error).__name__) from error
