"""Handing over by name: one side asks, the other says ready when it has the VIPs, the first lets go and says done.

The law: make before break. The giver lets go only when it heard ready; the taker begins only when asked, once an ask. Each
word is repeated until it is answered, for GIVE_UP seconds at most; then the giver takes its ask back, so that nobody takes
over on a word that nobody stands to any more. A handover belongs to one session: with the session it has failed.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

import msgspec

from failover.peer.actions import HandoverAsked, HandoverDone, HandoverFailed, HandoverReady, News

REPEAT = 0.02
GIVE_UP = 2.0
"""Seconds: writing the VIPs takes some milliseconds, at worst some hundred."""
MOST_TAKING = 4096
"""Routers that one peer may ask us to take; what it asks beyond is not answered."""


class Step(IntEnum):
    """What is said of a handover."""

    ASK = 1
    READY = 2
    REFUSE = 3
    DONE = 4
    TAKE_BACK = 5


_FROM_GIVER = (Step.ASK, Step.DONE, Step.TAKE_BACK)


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One word of a handover. `number` is the giver's, ever rising."""

    step: Step
    number: int
    router: Annotated[str, msgspec.Meta(max_length=64)]
    reason: str = ""


@dataclass(slots=True)
class Talk:
    """One handover as one side sees it: the word it stands at, and when to say it again or to give up."""

    message: Message
    repeat_at: float | None = None
    give_up_at: float | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Message)


def encode_message(message: Message) -> bytes:
    """A word as a packet's body."""
    return _ENCODER.encode(message)


def decode_message(body: bytes) -> Message | None:
    """The word in a packet's body, None when there is none."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


Outcome = Message | News
"""What comes of an input: words to send, and news."""


class Handovers:
    """All handovers with one peer, in both directions."""

    def __init__(self) -> None:
        self._number = 0
        self._giving: dict[str, Talk] = {}
        self._taking: dict[str, Talk] = {}

    def deadline(self) -> float | None:
        """When `wake` wants to be called."""
        if not self._giving and not self._taking:
            return None
        due = [at for talk in self._talks() for at in (talk.repeat_at, talk.give_up_at) if at is not None]
        return min(due, default=None)

    # ---- giving -------------------------------------------------------------------------------------------------

    def ask(self, router: str, now: float) -> list[Outcome]:
        """Ask the peer to take a router over."""
        self._number += 1
        return [self._say(self._giving, Message(Step.ASK, self._number, router), now)]

    def done(self, router: str) -> list[Outcome]:
        """We have let go, after the peer was ready."""
        talk = self._giving.get(router)
        if talk is None:
            return []
        talk.message = Message(Step.DONE, talk.message.number, router)
        talk.repeat_at = talk.give_up_at = None
        return [talk.message]

    def take_back(self, router: str) -> list[Outcome]:
        """We do not hand over after all."""
        talk = self._giving.pop(router, None)
        return [] if talk is None else [Message(Step.TAKE_BACK, talk.message.number, router)]

    # ---- taking -------------------------------------------------------------------------------------------------

    def ready(self, router: str, now: float) -> list[Outcome]:
        """We have the VIPs up and announced. Nothing when nobody asked."""
        return self._answer(router, Step.READY, "", now)

    def refuse(self, router: str, reason: str, now: float) -> list[Outcome]:
        """We cannot take the router over."""
        return self._answer(router, Step.REFUSE, reason, now)

    def _answer(self, router: str, step: Step, reason: str, now: float) -> list[Outcome]:
        talk = self._taking.get(router)
        if talk is None or talk.message.step is not Step.ASK:
            return []
        message = Message(step, talk.message.number, router, reason)
        if step is Step.READY:
            return [self._say(self._taking, message, now)]
        self._taking[router] = Talk(message)
        return [message]

    # ---- both ---------------------------------------------------------------------------------------------------

    def receive(self, message: Message, now: float) -> list[Outcome]:
        """A word of the peer."""
        if message.step in _FROM_GIVER:
            return self._hear_giver(message, now)
        return self._hear_taker(message)

    def wake(self, now: float) -> list[Outcome]:
        """Say again what was not answered; give up what never was."""
        outcome: list[Outcome] = []
        for talks in (self._giving, self._taking):
            for router, talk in list(talks.items()):
                if talk.give_up_at is not None and now >= talk.give_up_at:
                    outcome += self._give_up(talks, router)
                elif talk.repeat_at is not None and now >= talk.repeat_at:
                    talk.repeat_at = now + REPEAT
                    outcome.append(talk.message)
        return outcome

    def lost(self, reason: str) -> list[Outcome]:
        """The session is over, and every handover in it."""
        failed = [
            HandoverFailed(router, reason)
            for talks in (self._giving, self._taking)
            for router, talk in talks.items()
            if talk.give_up_at is not None
        ]
        self._giving.clear()
        self._taking.clear()
        return list(failed)

    def _hear_giver(self, message: Message, now: float) -> list[Outcome]:
        talk = self._taking.get(message.router)
        if talk is None and len(self._taking) >= MOST_TAKING:
            return []
        if message.step is Step.ASK and (talk is None or message.number > talk.message.number):
            self._taking[message.router] = Talk(message, None, now + GIVE_UP)
            return [HandoverAsked(message.router)]
        if talk is None or message.number != talk.message.number:
            return []
        if message.step is Step.ASK:
            return [talk.message] if talk.message.step in (Step.READY, Step.REFUSE) else []
        if talk.message.step in _FROM_GIVER[1:]:
            return []
        self._taking[message.router] = Talk(message)
        if message.step is Step.DONE:
            return [HandoverDone(message.router)]
        return [HandoverFailed(message.router, "the peer took its request back")]

    def _hear_taker(self, message: Message) -> list[Outcome]:
        talk = self._giving.get(message.router)
        if talk is None or message.number != talk.message.number:
            return [Message(Step.TAKE_BACK, message.number, message.router)]
        if talk.message.step is Step.DONE:
            return [talk.message]
        if message.step is Step.REFUSE:
            del self._giving[message.router]
            return [HandoverFailed(message.router, message.reason)]
        if talk.repeat_at is None:
            return []
        talk.repeat_at = None
        return [HandoverReady(message.router)]

    def _give_up(self, talks: dict[str, Talk], router: str) -> list[Outcome]:
        failed = HandoverFailed(router, f"no answer within {GIVE_UP:g} s")
        if talks is self._giving:
            return [*self.take_back(router), failed]
        talks[router] = Talk(Message(Step.DONE, talks[router].message.number, router))
        return [failed]

    def _say(self, talks: dict[str, Talk], message: Message, now: float) -> Message:
        talks[message.router] = Talk(message, now + REPEAT, now + GIVE_UP)
        return message

    def _talks(self) -> list[Talk]:
        return [*self._giving.values(), *self._taking.values()]
