"""What an exchange with one peer asks of the edge: a closed list, performed in the order given.

`Send` goes out; all others are news for whoever runs the channel.
"""

from enum import StrEnum

import msgspec

from failover.peer.spec import PeerLink


class PeerState(StrEnum):
    """State of a peer, or of one link to it."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Word(StrEnum):
    """What a peer says of itself (of its daemon) or of one of its routers."""

    STANDING = "standing"
    ENDING = "ending"
    LINK_GONE = "link_gone"

    @property
    def text(self) -> str:
        """The word in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Word.STANDING: "serves as usual",
    Word.ENDING: "its daemon is ending",
    Word.LINK_GONE: "the link of the router's interface, or of one in its group, is gone",
}


class Send(msgspec.Struct, frozen=True):
    """Send a datagram on the peer's link of this number."""

    link: int
    datagram: bytes


class PeerChanged(msgspec.Struct, frozen=True, tag=True):
    """The peer is up, down or unknown now, and why; also told when only the reason is another."""

    state: PeerState
    reason: str


class LinkChanged(msgspec.Struct, frozen=True, tag=True):
    """One link to the peer changed. `partial`: the peer is up all the same, so this is an alarm and nothing else."""

    link: PeerLink
    state: PeerState
    reason: str
    partial: bool


class PayloadArrived(msgspec.Struct, frozen=True, tag=True):
    """The peer's supervisor says this; opaque here."""

    data: bytes


class PayloadTaken(msgspec.Struct, frozen=True, tag=True):
    """The peer's failover worker has our payload of this version."""

    version: int


class WordHeard(msgspec.Struct, frozen=True, tag=True):
    """The peer said a word of one of its routers, whose adverts come from `source`, or (router None) of its daemon."""

    word: Word
    router: str | None
    source: str = ""


class PeerMaster(msgspec.Struct, frozen=True, tag=True):
    """The peer says that it is master of a router, or no longer is; its adverts come from `source`."""

    router: str
    priority: int
    source: str


class HandoverAsked(msgspec.Struct, frozen=True, tag=True):
    """The peer asks us to take over a router: to be answered with ready or refuse."""

    router: str


class HandoverReady(msgspec.Struct, frozen=True, tag=True):
    """The peer has the router's VIPs up and announced: ours may go, then done."""

    router: str


class HandoverDone(msgspec.Struct, frozen=True, tag=True):
    """The peer that asked us has let go of the router's VIPs."""

    router: str


class HandoverFailed(msgspec.Struct, frozen=True, tag=True):
    """A handover that was asked for, by either side, will not be finished here."""

    router: str
    reason: str


class Say(msgspec.Struct, frozen=True, tag=True):
    """A line for the log."""

    text: str


News = (
    PeerChanged
    | LinkChanged
    | PayloadArrived
    | PayloadTaken
    | WordHeard
    | PeerMaster
    | HandoverAsked
    | HandoverReady
    | HandoverDone
    | HandoverFailed
    | Say
)
Action = Send | News
