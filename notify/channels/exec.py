"""Alerts by a program of the operator's: once for each event, its fields in the environment and as JSON on stdin.

Who runs the program, and as whom, is not decided here: the means to run one is handed in.
"""

import re
from collections.abc import Sequence

import msgspec

from notify import render
from notify.channels.base import DeliveryError, Tools
from notify.event import Event
from notify.spec import ExecSpec

_LATER = re.compile(r"exit status 75\b")
"""A program's way to say that it is not the event's fault (EX_TEMPFAIL of sysexits.h, as mail programs have it)."""


class ExecChannel:
    """Runs the program; exit status 0 is success, 75 asks to be run again later, any other is a refusal."""

    batch = 1

    def __init__(self, spec: ExecSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._tools = tools
        self._timeout = timeout

    async def deliver(self, events: Sequence[Event]) -> str:
        """Run the program for each event in turn."""
        for event in events:
            failure = await self._tools.run_program(
                self._spec.command,
                self._spec.user,
                render.environment(event),
                msgspec.json.encode(render.record(event)) + b"\n",
                self._timeout,
            )
            if failure:
                refused = not _LATER.match(failure)
                raise DeliveryError(f"{self._spec.command[0]}: {failure}", refused=refused)
        return ""
