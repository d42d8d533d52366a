"""What a channel is: something that delivers some events, or raises DeliveryError with the reason in words.

The law: a channel keeps no queue and never retries; when it returns, the receiver has taken all the events it
was given.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from notify.event import Event

RunProgram = Callable[[tuple[str, ...], str, Mapping[str, str], bytes, float], Awaitable[str]]
"""Runs a program: command, user, environment, standard input, seconds it may take. Answers with the
failure in words, empty when the program ended with status 0."""


class DeliveryError(Exception):
    """A delivery failed. `refused`: the receiver understood and said no, so that asking for hours is of no use. `wait`:
    seconds for which it asks to be left alone."""

    def __init__(self, reason: str, *, refused: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.refused = refused
        self.wait = wait


class Channel(Protocol):
    """One way to reach somebody."""

    batch: int
    """Most events in one delivery."""

    async def deliver(self, events: Sequence[Event]) -> str:
        """Deliver these events; returns a remark worth showing, mostly empty. Raises DeliveryError."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What channels are handed: secrets by the name of their file, the means to run a program, this director's name."""

    run_program: RunProgram
    secrets: Mapping[str, str] = {}
    node: str = "localhost"
    log_socket: str = "/dev/log"

    def secret(self, file: str) -> str:
        """The content of a secret file. Raises DeliveryError when it was not handed in."""
        try:
            return self.secrets[file].strip()
        except KeyError:
            raise DeliveryError(f"the secret file {file} could not be read") from None
