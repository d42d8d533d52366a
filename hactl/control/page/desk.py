"""The supervisor's side of the page: what came in over HTTP, carried out like a request on the control socket.

The law: the notify worker, which serves the page, talks to strangers and is believed nothing: here alone are tokens
looked at, and without the right one only the status is told.
"""

import asyncio
from collections.abc import Callable, Mapping

from hactl.control import forms
from hactl.control.commands import Caller, Commands
from hactl.control.forms import Reply
from hactl.control.page.tokens import shown, tokens
from hactl.control.refusals import Code, RefusedError
from hactl.control.routes import Posted, permit, permit_wish, posted
from hactl.processes.messages import Ask, Told, Wanted

WAITING = 64
"""Requests not yet begun; further ones are refused."""
NOBODY = 65534
WRONG_TOKEN_COSTS = 1.0
"""Seconds until a wrong token is answered."""

_ROUTES: Mapping[Wanted, Posted] = {
    wanted: posted(wanted.value) for wanted in Wanted if wanted is not Wanted.STATUS
}


class Desk:
    """Answers what the page asks. `text` gives that of the file of tokens, empty when there is none."""

    def __init__(
        self,
        commands: Commands,
        text: Callable[[], str],
        send: Callable[[Told], None],
        on_fault: Callable[[str], None],
    ) -> None:
        self._commands = commands
        self._text = text
        self._send = send
        self._on_fault = on_fault
        self._asked: asyncio.Queue[Ask] = asyncio.Queue(WAITING)

    def ask(self, ask: Ask) -> None:
        """Take a request; never waits."""
        try:
            self._asked.put_nowait(ask)
        except asyncio.QueueFull:
            self._tell(ask, forms.refusal(Code.UNAVAILABLE, "too many requests wait for an answer"))

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._serve(await self._asked.get()))

    async def _serve(self, ask: Ask) -> None:
        try:
            self._tell(ask, await self._reply(ask))
        except RefusedError as refused:
            self._tell(ask, forms.refused(refused))
        except Exception as error:  # noqa: BLE001 - reported, and never the daemon's end
            self._on_fault(f"page, {ask.wanted.value}: {type(error).__name__}: {error}")
            self._tell(ask, forms.refusal(Code.INTERNAL, "the daemon failed to answer; its log says why"))

    async def _reply(self, ask: Ask) -> Reply:
        if ask.wanted is Wanted.STATUS:
            return forms.answer(await self._commands.status())
        route = _ROUTES[ask.wanted]
        caller = await self._caller(ask)
        permit(route.role, caller)
        wish = forms.read(ask.body, route.takes)
        permit_wish(wish, caller)
        return forms.given(await route.act(self._commands, wish, caller))

    async def _caller(self, ask: Ask) -> Caller:
        """Whose token this is. Raises RefusedError where it is nobody's."""
        known = tokens(self._text())
        if not known:
            message = "this page only shows; control.token_file would let operators act"
            raise RefusedError(Code.FORBIDDEN, message, needs=_ROUTES[ask.wanted].role.value)
        token = shown(ask.token, known)
        if token is None:
            await asyncio.sleep(WRONG_TOKEN_COSTS)
            needed = _ROUTES[ask.wanted].role.value
            raise RefusedError(
                Code.FORBIDDEN, f"this is not the token; role {needed} is needed", needs=needed
            )
        page = f"page from {ask.origin}"
        return Caller(NOBODY, 0, f"{token.name} ({page})" if token.name else page, token.role)

    def _tell(self, ask: Ask, reply: Reply) -> None:
        self._send(Told(ask.id, reply.status, reply.body))
