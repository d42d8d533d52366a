"""The control API: HTTP/1.1 with JSON under `/v1/` on the Unix socket.

Owns the routes, decides nothing: each request is read, checked for form, handed to
`Commands` with the name of who asked, and answered. A refusal is `{"error": {"code": ..., "message": ...}}`
with a fitting status.
"""

import asyncio
import logging
import os
import pwd
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from hactl.control import forms
from hactl.control.commands import (
    Caller,
    Code,
    Commands,
    EventQuery,
    HandoverRequest,
    NotifyTestRequest,
    OverrideRequest,
    PlanRequest,
    RefusedError,
    ReloadRequest,
    ResumeRequest,
    StandbyRequest,
)
from hactl.control.forms import Reply
from hactl.control.listener import Listener

API_VERSION = 1
MAX_REQUEST = 16 * 1024 * 1024
"""Longest request in bytes: a configuration of some 100,000 servers."""
_KEEPALIVE = 15.0
_SHUTDOWN = 1.0
_ARRIVING = 0.01
_NAME_TIMEOUT = 1.0
_POLL = 1.0
_CREDENTIALS = struct.Struct("iII")
_QUIET = logging.Logger("hactl.control", logging.CRITICAL)
"""For aiohttp, which would log a traceback for every client that speaks no HTTP: such a one is answered, no more."""

T = TypeVar("T")
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Answers on a listener's socket until closed. `on_fault` is told of each failure that is hactl's own."""

    def __init__(self, commands: Commands, on_fault: Callable[[str], None]) -> None:
        self._commands = commands
        self._on_fault = on_fault
        self._news = asyncio.Event()
        self._closing = False
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None

    async def start(self, listener: Listener) -> None:
        """Begin to answer. The listener stays the caller's to close, after this server."""
        app = web.Application(client_max_size=MAX_REQUEST, middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/v1/status", self._status),
                web.get("/v1/version", self._version),
                web.get("/v1/events", self._events),
                web.get("/v1/overrides", self._overrides),
                web.post("/v1/overrides", self._override_set),
                web.post("/v1/reload", self._reload),
                web.post("/v1/plan", self._plan),
                web.post("/v1/handover", self._handover),
                web.post("/v1/standby", self._standby),
                web.post("/v1/resume", self._resume),
                web.post("/v1/notify/test", self._notify_test),
            ]
        )
        self._runner = web.AppRunner(
            app, logger=_QUIET, access_log=None, keepalive_timeout=_KEEPALIVE, shutdown_timeout=_SHUTDOWN
        )
        self._listener = listener
        await self._runner.setup()
        await web.SockSite(self._runner, listener.socket).start()

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
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """Turn every refusal and failure into one form of answer; nothing a client does ends the daemon."""
        try:
            return await handler(request)
        except RefusedError as refusal:
            return _error(refusal.code.status, refusal.code, refusal.message)
        except web.HTTPException as error:
            return _http_error(request, error)
        except Exception as error:  # noqa: BLE001 - reported, and never the daemon's end
            self._on_fault(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return _error(500, Code.INTERNAL, "the daemon failed to answer; its log says why")

    async def _status(self, request: web.Request) -> web.Response:
        return _answer(await self._commands.status())

    async def _version(self, request: web.Request) -> web.Response:
        return _answer({"api": API_VERSION, **await self._commands.version()})

    async def _overrides(self, request: web.Request) -> web.Response:
        overrides = await self._commands.overrides()
        return _answer({"overrides": [forms.override(one) for one in overrides]})

    async def _override_set(self, request: web.Request) -> web.Response:
        wish = await _body(request, OverrideRequest)
        return _answer(await self._commands.override_set(wish, await _caller(request)))

    async def _handover(self, request: web.Request) -> web.Response:
        wish = await _body(request, HandoverRequest)
        return _answer(await self._commands.handover(wish, await _caller(request)))

    async def _standby(self, request: web.Request) -> web.Response:
        wish = await _body(request, StandbyRequest)
        return _answer(await self._commands.standby(wish, await _caller(request)))

    async def _resume(self, request: web.Request) -> web.Response:
        wish = await _body(request, ResumeRequest)
        return _answer(await self._commands.resume(wish, await _caller(request)))

    async def _notify_test(self, request: web.Request) -> web.Response:
        wish = await _body(request, NotifyTestRequest)
        return _answer(await self._commands.notify_test(wish, await _caller(request)))

    async def _reload(self, request: web.Request) -> web.Response:
        wish = await _body(request, ReloadRequest)
        caller = await _caller(request)
        self._check_source(wish, caller)
        answer = await self._commands.reload(wish, caller)
        if answer.ok:
            return _answer(answer)
        error = {"code": Code.REJECTED, "message": answer.refused or "the configuration has faults"}
        return _answer({**msgspec.to_builtins(answer), "error": error}, Code.REJECTED.status)

    async def _plan(self, request: web.Request) -> web.Response:
        wish = await _body(request, PlanRequest)
        _check_other_file(wish.path is not None, await _caller(request))
        return _answer(await self._commands.plan(wish))

    @staticmethod
    def _check_source(wish: ReloadRequest, caller: Caller) -> None:
        _check_other_file(wish.path is not None or wish.text is not None, caller)
        if wish.path is not None and wish.text is not None:
            raise RefusedError(Code.INVALID, "give either path or text")

    async def _events(self, request: web.Request) -> web.Response:
        query = forms.read_query(dict(request.query), EventQuery)
        deadline = time.monotonic() + query.wait
        while True:
            self._news.clear()
            rows = await self._commands.events(query)
            left = deadline - time.monotonic()
            if rows or left <= 0 or self._closing:
                return _answer({"events": [forms.row(number, event) for number, event in rows]})
            await self._wait_for_news(min(left, _POLL))

    async def _wait_for_news(self, longest: float) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), longest)
        except TimeoutError:
            return


def _check_other_file(other: bool, caller: Caller) -> None:
    """Only who could start a daemon may give it another file: a configuration names programs to run, and its faults
    quote what stands in it."""
    if other and caller.uid not in (0, os.geteuid()):
        raise RefusedError(
            Code.FORBIDDEN, "only root may give the daemon another configuration than its own file"
        )


def _response(reply: Reply) -> web.Response:
    return web.Response(body=reply.body, status=reply.status, content_type="application/json")


def _answer(content: object, status: int = 200) -> web.Response:
    return _response(forms.answer(content, status))


def _error(status: int, code: Code, message: str) -> web.Response:
    return _response(forms.refusal(code, message, status))


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (no such path, wrong method, too long) in our form, with their headers."""
    code = {404: Code.NOT_FOUND, 413: Code.TOO_LARGE}.get(error.status, Code.INVALID)
    messages = {
        404: f"there is nothing at {request.path}",
        405: f"{request.method} is not possible at {request.path}",
        413: f"a request is at most {MAX_REQUEST} bytes",
    }
    response = _error(error.status, code, messages.get(error.status, error.reason))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


async def _body(request: web.Request, kind: type[T]) -> T:
    """The request's JSON as `kind`; an empty body means all defaults. Raises RefusedError."""
    try:
        return forms.read(await request.read(), kind)
    except ConnectionError as error:
        raise RefusedError(Code.INVALID, "the request ended early") from error


async def _caller(request: web.Request) -> Caller:
    """Who is at the other end, by the kernel's word."""
    transport = request.transport
    end = transport.get_extra_info("socket") if transport is not None else None
    if end is None:
        raise RefusedError(Code.UNAVAILABLE, "the connection has ended")
    pid, uid, _gid = _CREDENTIALS.unpack(
        end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return Caller(uid, pid, await _user_name(uid))


async def _user_name(uid: int) -> str:
    """The name of a user; a directory service that hangs costs a second, never the daemon's loop."""
    try:
        entry = await asyncio.wait_for(asyncio.to_thread(pwd.getpwuid, uid), _NAME_TIMEOUT)
    except (KeyError, TimeoutError):
        return f"uid {uid}"
    return entry.pw_name
