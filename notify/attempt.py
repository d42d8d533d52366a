"""One delivery by one channel: whatever becomes of it is an answer; edge.

The law: a channel that keeps no time is cut off, and one that raises anything at all has failed, no more.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from notify import render
from notify.channels.base import Channel, DeliveryError
from notify.event import Event

WORDS_LIMIT = 500
"""Characters of a reason or a remark that are kept."""
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
            remark: object = await channel.deliver(events)
            return End(True, _words(remark) if isinstance(remark, str) else "")
    except DeliveryError as error:
        return End(False, _words(str(error)), error.refused, error.wait)
    except TimeoutError:
        return End(False, f"no answer within {within:g} s")
    except Exception as error:  # noqa: BLE001 - a channel may be anybody's plug-in; the fault is shown and counted
        return End(False, _words(f"{type(error).__name__}: {error}"))


def _words(text: str) -> str:
    """What a receiver or a plug-in said, fit for a line: it may be of any length and in no encoding at all."""
    return render.plain(text)[:WORDS_LIMIT]
