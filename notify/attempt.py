"""One delivery by one channel: whatever becomes of it is an answer; edge.

The law: a channel that keeps no time is cut off, and one that raises anything at all has failed, no more.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from notify.channels.base import Channel, DeliveryError
from notify.event import Event

MARGIN = 2.0
"""Seconds beyond its timeout after which a channel that does not keep it is cut off."""


class End(msgspec.Struct, frozen=True):
    """How a delivery ended: whether the receiver took it, its remark or the reason in words, whether it said no, and for how
    many seconds it asked to be left alone."""

    taken: bool
    words: str
    refused: bool = False
    wait: float = 0.0


async def attempt(channel: Channel, events: Sequence[Event], within: float) -> End:
    """One delivery of at most `within` seconds."""
    try:
        async with asyncio.timeout(within + MARGIN):
            return End(True, await channel.deliver(events))
    except DeliveryError as error:
        return End(False, str(error), error.refused, error.wait)
    except TimeoutError:
        return End(False, f"no answer within {within:g} s")
    except Exception as error:  # noqa: BLE001 - a channel may be anybody's plug-in; the fault is shown and counted
        return End(False, f"{type(error).__name__}: {error}")
