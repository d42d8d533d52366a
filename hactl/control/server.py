"""The control API: HTTP/1.1 with JSON under `/v1/` on the Unix socket.

Decides nothing: each request is looked up in the table of `hactl.control.routes`, whoever asks is told apart, what is
asked is checked for form, handed to `Commands` with the name of who asked, and answered. A refusal is
`{"error": {"code": ..., "message": ...}}` with a fitting status.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hactl.config.model import RolesSpec
from hactl.control import answers, forms, openapi
from hactl.control.callers import Callers
from hactl.control.commands import Caller, Commands, EventQuery
from hactl.control.connections import Connections
from hactl.control.forms import Reply
from hactl.control.listener import Listener
from hactl.control.refusals import Code, RefusedError
from hactl.control.routes import API_VERSION, ROUTES, Route, permit, permit_wish
from hactl.control.wire import Request

_POLL = 1.0


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
        self._connections = Connections(self._answer)

    async def start(self, listener: Listener) -> None:
        """Begin to answer. The listener stays the caller's to close, after this server."""
        await self._connections.open(listener.socket)

    def notice(self) -> None:
        """An event was emitted: whoever waits for one looks now rather than a second later."""
        self._news.set()

    async def close(self) -> None:
        """Stop answering; requests in work get a second to end."""
        self._closing = True
        self.notice()
        await self._connections.close()

    async def _answer(self, request: Request, end: socket.socket) -> Reply:
        """Turn every refusal and failure into one form of answer; nothing a client does ends the daemon."""
        try:
            return await self._serve(request, end)
        except RefusedError as refusal:
            return forms.refused(refusal)
        except Exception as error:  # noqa: BLE001 - reported, and never the daemon's end
            self._on_fault(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return forms.refusal(Code.INTERNAL, "the daemon failed to answer; its log says why")

    async def _serve(self, request: Request, end: socket.socket) -> Reply:
        """Who may not is told so before anything of the request is read."""
        there = {route.method: route for route in ROUTES if route.path == request.path}
        if not there:
            raise RefusedError(Code.NOT_FOUND, f"there is nothing at {request.path}")
        route = there.get(request.method)
        if route is None:
            return _no_such_method(request, sorted(there))
        caller = await self._callers.of(end)
        permit(route.role, caller)
        wish = _wish(route, request)
        permit_wish(wish, caller)
        if route.act is not None:
            return forms.given(await route.act(self._commands, wish, caller))
        return await self._own[route.name](wish, caller)

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


def _no_such_method(request: Request, there: list[str]) -> Reply:
    said = forms.refusal(Code.INVALID, f"{request.method} is not possible at {request.path}", status=405)
    return msgspec.structs.replace(said, allow=",".join(there))


def _wish(route: Route, request: Request) -> Any:
    """What the request asks for, in the operation's form; None where it has none. Raises RefusedError."""
    if route.asks is not None:
        return forms.read_query(request.query, route.asks)
    if request.query:
        raise RefusedError(Code.INVALID, f"{request.path} takes no query")
    return None if route.takes is None else forms.read(request.body, route.takes)
