"""The body of a request; edge.

The law: whoever announces a body and does not send it holds its connection for a while only.
"""

import asyncio

from aiohttp import web

from hactl.control.refusals import Code, RefusedError

WITHIN = 10.0
"""Seconds in which a body must come; aiohttp itself would wait for ever."""


async def body(request: web.Request) -> bytes:
    """The whole of it. Raises RefusedError."""
    try:
        async with asyncio.timeout(WITHIN):
            return await request.read()
    except ConnectionError as error:
        raise RefusedError(Code.INVALID, "the request ended early") from error
    except TimeoutError:
        message = f"the body of the request did not come within {WITHIN:g} s"
        raise RefusedError(Code.INVALID, message) from None
