"""Waiting for something for a time that is meant for others, not for us; edge.

The law: time in which this process stood still is not counted. What came meanwhile came in time, and who stood still with
us, as all of a host that was frozen, gets the time anew; not for ever, for a process may be late all the time.
"""

import asyncio
from typing import Any

STALL = 0.25
"""Seconds of lateness of this process after which the time is given anew."""
ANEW = 3
"""How often it is."""


async def came(answer: asyncio.Future[Any], within: float) -> bool:
    """Whether it is there within so many seconds. It is not cancelled when it is not."""
    loop = asyncio.get_running_loop()
    for _ in range(1 + ANEW):
        due = loop.time() + within
        await asyncio.wait([answer], timeout=within)
        if answer.done() or loop.time() - due <= STALL:
            break
    return answer.done()
