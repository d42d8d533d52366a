"""The supervisor's side of the page: what came in over HTTP, carried out like a request on the control socket.

The law: the notify worker, which serves the page, talks to strangers and is believed nothing: here alone is the token
looked at, and without the right one only the status is told.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hactl.control import forms
from hactl.control.commands import (
    Caller,
    Code,
    Commands,
    HandoverRequest,
    OverrideRequest,
    RefusedError,
    ResumeRequest,
    StandbyRequest,
)
from hactl.control.forms import Reply
from hactl.messages import Ask, Told, Wanted

WAITING = 64
"""Requests not yet begun; further ones are refused."""
NOBODY = 65534
WRONG_TOKEN_COSTS = 1.0
"""Seconds until a wrong token is answered."""

_Act = Callable[[Any, Caller], Awaitable[object]]


class Desk:
    """Answers what the page asks. `token` gives the present one, empty when there is none."""

    def __init__(
        self,
        commands: Commands,
        token: Callable[[], str],
        send: Callable[[Told], None],
        on_fault: Callable[[str], None],
    ) -> None:
        self._commands = commands
        self._token = token
        self._send = send
        self._on_fault = on_fault
        self._asked: asyncio.Queue[Ask] = asyncio.Queue(WAITING)
        self._acts: dict[Wanted, tuple[type[msgspec.Struct], _Act]] = {
            Wanted.OVERRIDES: (OverrideRequest, commands.override_set),
            Wanted.HANDOVER: (HandoverRequest, commands.handover),
            Wanted.STANDBY: (StandbyRequest, commands.standby),
            Wanted.RESUME: (ResumeRequest, commands.resume),
        }

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
            self._tell(ask, forms.refusal(refused.code, refused.message))
        except Exception as error:  # noqa: BLE001 - reported, and never the daemon's end
            self._on_fault(f"page, {ask.wanted.value}: {type(error).__name__}: {error}")
            self._tell(ask, forms.refusal(Code.INTERNAL, "the daemon failed to answer; its log says why"))

    async def _reply(self, ask: Ask) -> Reply:
        if ask.wanted is Wanted.STATUS:
            return forms.answer(await self._commands.status())
        await self._check(ask.token)
        kind, act = self._acts[ask.wanted]
        caller = Caller(NOBODY, 0, f"page from {ask.origin}")
        return forms.answer(await act(forms.read(ask.body, kind), caller))

    async def _check(self, given: str) -> None:
        """Raises RefusedError unless this is the token."""
        token = self._token()
        if not token:
            raise RefusedError(
                Code.FORBIDDEN, "this page only shows; control.token_file would let operators act"
            )
        if not hmac.compare_digest(given.encode(), token.encode()):
            await asyncio.sleep(WRONG_TOKEN_COSTS)
            raise RefusedError(Code.FORBIDDEN, "this is not the token")

    def _tell(self, ask: Ask, reply: Reply) -> None:
        self._send(Told(ask.id, reply.status, reply.body))
