"""Waiting until the other directors confirm that they have what an operator asked for here."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from hactl.peers.peers import Peers

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor

_CONFIRM_WITHIN = 1.0


async def confirmed(
    daemon: "Supervisor", have: Callable[[Peers], tuple[str, ...]]
) -> tuple[tuple[str, ...], int]:
    """The peers that have it, those that are up given a moment for it; and how many directors are missing among them."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CONFIRM_WITHIN):
            while set(daemon.peers.up()) - set(have(daemon.peers)):
                await daemon.heard.news.wait()
    others = have(daemon.peers)
    return others, len(daemon.config.directors) - 1 - len(others)
