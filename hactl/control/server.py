"""The control API: HTTP/1.1 with JSON under `/v1/` on the Unix socket.

Decides nothing: each request is looked up in the table of `hactl.control.routes`, whoever asks is told apart, what is
asked is checked for form, handed to `Commands` with the name of who asked, and answered. A refusal is
`{"error": {"code": ..., "message": ...}}` with a fitting status.
"""

import asyncio
import functools
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from hactl.config.model import RolesSpec
from hactl.control import answers, forms, openapi
from hactl.control.body import body
from hactl.control.callers import Callers
from hactl.control.commands import Caller, Commands, EventQuery
from hactl.control.forms import Reply
from hactl.control.gate import Gate
from hactl.control.listener import Listener
from hactl.control.refusals import Code, RefusedError
from hactl.control.routes import API_VERSION, ROUTES, Route, permit, permit_wish

MAX_REQUEST = 64 * 1024
"""Longest body of a request in bytes."""
_BACKLOG = 128
_KEEPALIVE = 15.0
_SHUTDOWN = 1.0
_ARRIVING = 0.01
_POLL = 1.0
_QUIET = logging.Logger("hactl.control", logging.CRITICAL)
"""For aiohttp, which would log a traceback for every client that speaks no HTTP: such a one is answered, no more."""

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Answers on a listener's socket until closed. `on_fault` is told of each failure that is hactl's own; `roles` gives
    those that are in force."""

    def __init__(
        self,
        commands: Commands,
        on_fault: Callable[[str], None],
        roles: Callable[[], RolesSpec | None] = lambda: None,
    ) -> None:
        self._commands = commands
        self._callers = Callers(roles)
        self._own: dict[str, Callable[[Any, Caller], Awaitable[Reply]]] = {
            "version": self._version,
            "openapi.json": self._openapi,
            "events": self._events,
        }
        self._on_fault = on_fault
        self._news = asyncio.Event()
        self._closing = False
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._serving: asyncio.Server | None = None

    async def start(self, listener: Listener) -> None:
        """Begin to answer. The listener stays the caller's to close, after this server."""
        app = web.Application(client_max_size=MAX_REQUEST, middlewares=[self._guard])
        for route in ROUTES:
            app.router.add_route(route.method, route.path, functools.partial(self._serve, route))
        self._runner = web.AppRunner(
            app, logger=_QUIET, access_log=None, keepalive_timeout=_KEEPALIVE, shutdown_timeout=_SHUTDOWN
        )
        self._listener = listener
        await self._runner.setup()
        assert self._runner.server is not None
        gate = Gate(self._runner.server)
        loop = asyncio.get_running_loop()
        self._serving = await loop.create_server(gate.protocol, sock=listener.socket, backlog=_BACKLOG)

    def notice(self) -> None:
        """An event was emitted: whoever waits for one looks now rather than a second later."""
        self._news.set()

    async def close(self) -> None:
        """Stop answering; requests in work get a second to end."""
        self._closing = True
        self.notice()
        if self._runner is None or self._listener is None:
            return
        # A connection accepted in the turn in which asyncio closes its server is neither served nor closed, and its
        # client waits in vain (CPython issue 109564): accept no more first, and let the accepted ones arrive.
        asyncio.get_running_loop().remove_reader(self._listener.socket)
        await asyncio.sleep(_ARRIVING)
        if self._serving is not None:
            self._serving.close()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """Turn every refusal and failure into one form of answer; nothing a client does ends the daemon."""
        try:
            return await handler(request)
        except RefusedError as refusal:
            return _response(forms.refused(refusal))
        except web.HTTPException as error:
            return _http_error(request, error)
        except Exception as error:  # noqa: BLE001 - reported, and never the daemon's end
            self._on_fault(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return _response(forms.refusal(Code.INTERNAL, "the daemon failed to answer; its log says why"))

    async def _serve(self, route: Route, request: web.Request) -> web.Response:
        """Who may not is told so before anything of the request is read."""
        caller = await self._callers.of(_end(request))
        permit(route.role, caller)
        wish = await _wish(route, request)
        permit_wish(wish, caller)
        if route.act is not None:
            return _response(forms.given(await route.act(self._commands, wish, caller)))
        return _response(await self._own[route.name](wish, caller))

    async def _version(self, wish: object, caller: Caller) -> Reply:
        known = await self._commands.version()
        return forms.answer({"api": API_VERSION, **known, "user": caller.user, "role": caller.role})

    async def _openapi(self, wish: object, caller: Caller) -> Reply:
        known = await self._commands.version()
        return forms.answer(openapi.document(str(known["version"])))

    async def _events(self, query: EventQuery, caller: Caller) -> Reply:
        deadline = time.monotonic() + query.wait
        while True:
            self._news.clear()
            rows = await self._commands.events(query)
            left = deadline - time.monotonic()
            if rows or left <= 0 or self._closing:
                return forms.answer(answers.events(rows))
            await self._wait_for_news(min(left, _POLL))

    async def _wait_for_news(self, longest: float) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), longest)
        except TimeoutError:
            return


def _response(reply: Reply) -> web.Response:
    return web.Response(body=reply.body, status=reply.status, content_type="application/json")


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (no such path, wrong method, too long) in our form, with their headers."""
    code = {404: Code.NOT_FOUND, 413: Code.TOO_LARGE}.get(error.status, Code.INVALID)
    messages = {
        404: f"there is nothing at {request.path}",
        405: f"{request.method} is not possible at {request.path}",
        413: f"the body of a request is at most {MAX_REQUEST} bytes",
    }
    message = messages.get(error.status, error.reason)
    response = _response(forms.refusal(code, message, status=error.status))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


async def _wish(route: Route, request: web.Request) -> Any:
    """What the request asks for, in the operation's form; None where it has none. Raises RefusedError."""
    if route.asks is not None:
        return forms.read_query(request.query.items(), route.asks)
    if request.query:
        raise RefusedError(Code.INVALID, f"{request.path} takes no query")
    if route.takes is None:
        return None
    return forms.read(await body(request), route.takes)


def _end(request: web.Request) -> socket.socket:
    """The connection by which a request came."""
    transport = request.transport
    end: socket.socket | None = transport.get_extra_info("socket") if transport is not None else None
    if end is None:
        raise RefusedError(Code.UNAVAILABLE, "the connection has ended")
    return end
