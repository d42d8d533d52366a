"""The page, /metrics and the live view over HTTP, served by the notify worker on a socket it was given.

The law: it only shows, and passes on what brings a token; it decides nothing. What strangers can do to it is bounded:
so many connections, so long a request, one snapshot a second.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources

import msgspec
from aiohttp import web

from hactl.control import answers, forms
from hactl.control.body import body
from hactl.control.commands import EventQuery
from hactl.control.forms import Reply
from hactl.control.page import metrics
from hactl.control.page.door import receive
from hactl.control.page.hosts import is_meant
from hactl.control.page.live import Asker, Live, Watcher
from hactl.control.refusals import Code, RefusedError
from hactl.control.routes import posted
from hactl.processes.messages import Ask, HistoryQuery, PageSpec, Told, Wanted
from notify.event import Event

CONNECTIONS = 200
WATCHING = 50
MAX_REQUEST = 64 * 1024
QUIET = 10.0
"""Seconds without news after which a watcher is told that we are still there."""
WRITE_WITHIN = 30.0
_KEEPALIVE = 15.0
_SHUTDOWN = 0.2
_QUIET_LOG = logging.Logger("hactl.page", logging.CRITICAL)
_STATIC = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/view.js": ("view.js", "text/javascript"),
    "/problems.js": ("problems.js", "text/javascript"),
    "/chart.js": ("chart.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_FOLDER = resources.files("hactl.control.page").joinpath("static")
_FILES = {name: _FOLDER.joinpath(name).read_bytes() for name, _ in _STATIC.values()}
"""Read on import, while the worker is still root: later the installation may be out of its reach."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
History = Callable[[HistoryQuery], Awaitable[Sequence[tuple[int, Event]]]]


class PageServer:
    """Serves what comes through the socket pair `door`. `ask` hands a question to the supervisor, `history` asks the
    store, `on_fault` hears of failures that are ours."""

    def __init__(
        self,
        door: socket.socket,
        ask: Callable[[Ask], None],
        history: History,
        on_fault: Callable[[str], None],
    ) -> None:
        self._door = door
        self._asker = Asker(ask)
        self._live = Live(self._asker)
        self._history = history
        self._on_fault = on_fault
        self._spec = PageSpec()
        self._passed = asyncio.Event()
        self.runner: web.AppRunner | None = None
        self._closing = False

    def apply(self, spec: PageSpec) -> None:
        """Serve by this spec from now on."""
        self._spec = spec

    def told(self, answer: Told) -> None:
        """The supervisor has answered."""
        self._asker.told(answer)

    def emit(self, event: Event) -> None:
        """Show an event to all that watch."""
        self._live.emit(event)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._door.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._door, self._passed.set)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._live.run())
                await self._serve_whatever_comes()
        finally:
            loop.remove_reader(self._door)
            self._door.close()

    async def _serve_whatever_comes(self) -> None:
        """One socket after the other, as the supervisor passes them."""
        self.runner = runner = web.AppRunner(
            self._application(),
            logger=_QUIET_LOG,
            access_log=None,
            keepalive_timeout=_KEEPALIVE,
            shutdown_timeout=_SHUTDOWN,
            handler_cancellation=True,
        )
        await runner.setup()
        serving: asyncio.Server | None = None
        try:
            while True:
                await self._passed.wait()
                self._passed.clear()
                passed = receive(self._door)
                if passed.anything and serving is not None:
                    serving.close()
                    serving = None
                if passed.socket is not None:
                    serving = await self._listen(runner, passed.socket)
                if not passed.alive:
                    asyncio.get_running_loop().remove_reader(self._door)
        finally:
            self._closing = True
            if serving is not None:
                serving.close()
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, sock: socket.socket) -> asyncio.Server:
        server = runner.server
        assert server is not None

        def protocol() -> asyncio.BaseProtocol:
            return server() if len(server.connections) < CONNECTIONS else _Full()

        return await asyncio.get_running_loop().create_server(protocol, sock=sock)

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST, middlewares=[self._guard])
        app.add_routes([web.get(path, self._file) for path in _STATIC])
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/v1/status", self._status),
                web.get("/v1/events", self._events),
                web.get("/v1/page", self._page),
                web.get("/v1/live", self._watch),
                *(
                    web.post(f"/v1/{wanted.value}", self._act)
                    for wanted in Wanted
                    if wanted is not Wanted.STATUS
                ),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """Turn strangers away, give every answer its headers, and turn every failure into one form of answer."""
        if not is_meant(request.headers.get("Host", ""), self._spec.hosts):
            text = "this host name is not known here; ask for an address, or name it in control.hosts"
            return _response(forms.refusal(Code.FORBIDDEN, text))
        try:
            return await handler(request)
        except RefusedError as refused:
            return _response(forms.refused(refused))
        except web.HTTPException as error:
            code = Code.NOT_FOUND if error.status == 404 else Code.INVALID
            return _response(forms.refusal(code, error.reason, status=error.status))
        except Exception as error:  # noqa: BLE001 - reported, and never the worker's end
            self._on_fault(f"page: {request.method} {request.path}: {type(error).__name__}: {error}")
            return _response(forms.refusal(Code.INTERNAL, "hactl failed to answer; its log says why"))

    async def _file(self, request: web.Request) -> web.Response:
        name, kind = _STATIC[request.path]
        return web.Response(body=_FILES[name], content_type=kind, charset="utf-8", headers=_HEADERS)

    async def _page(self, request: web.Request) -> web.Response:
        """What the page must know of itself."""
        return _response(forms.answer({"operable": self._spec.operable}))

    async def _status(self, request: web.Request) -> web.Response:
        return _response(await self._asker.status())

    async def _metrics(self, request: web.Request) -> web.Response:
        reply = await self._asker.status()
        if reply.status != 200:
            return _response(reply)
        text = await asyncio.to_thread(lambda: metrics.exposition(msgspec.json.decode(reply.body)))
        return web.Response(body=text, headers={**_HEADERS, "Content-Type": metrics.CONTENT_TYPE})

    async def _events(self, request: web.Request) -> web.Response:
        query = forms.read_query(request.query.items(), EventQuery)
        rows = await self._history(HistoryQuery(0, query.since, query.after, query.limit, query.last))
        return _response(forms.answer(answers.events(rows)))

    async def _act(self, request: web.Request) -> web.Response:
        wanted = Wanted(request.path.removeprefix("/v1/"))
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            needed = posted(wanted.value).role.value
            raise RefusedError(Code.FORBIDDEN, f"this needs a token of role {needed}", needs=needed)
        sent = await body(request)
        # What is not UTF-8 is nobody's token, and no text that could be passed on.
        told = token.strip().encode(errors="surrogateescape").decode(errors="replace")
        return _response(await self._asker.ask(wanted, sent, told, request.remote or "?"))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the whole status first, then what changes; events of the history as they happen."""
        if self._live.watching >= WATCHING:
            raise RefusedError(Code.UNAVAILABLE, f"{WATCHING} others watch already")
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        watcher = self._live.join()
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                while not self._closing:
                    await self._bring_up_to_date(watcher, response)
        finally:
            self._live.leave(watcher)
        return response

    async def _bring_up_to_date(self, watcher: Watcher, response: web.StreamResponse) -> None:
        watcher.news.clear()
        said = []
        step = self._live.step(watcher)
        if step is not None and step[1]:
            said.append(_said(*step))
        while watcher.events:
            event = watcher.events.popleft()
            said.append(_said("event", answers.row(0, event)))
        if self._live.trouble:
            said.append(_said("trouble", self._live.trouble))
        async with asyncio.timeout(WRITE_WITHIN):
            await response.write(b"".join(said) or b": still here\n\n")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                await watcher.news.wait()


class _Full(asyncio.Protocol):
    """Turns away a connection beyond the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _said(kind: str, content: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(content))


def _response(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, content_type="application/json", headers=_HEADERS
    )
