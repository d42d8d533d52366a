"""What the election asks of the edge: a closed list of actions, performed in the order given."""

import msgspec

from failover.moves import Cause, State


class SendAdvert(msgspec.Struct, frozen=True, tag=True):
    """Send one advert with this priority to the group or to every peer."""

    priority: int


class HoldAddresses(msgspec.Struct, frozen=True, tag=True):
    """Put the VIPs on the interface, or renew their lease.

    A write that is not finished by `void_after` (monotonic seconds) must be undone: the world has moved on meanwhile.
    """

    lease: int
    void_after: float


class DropAddresses(msgspec.Struct, frozen=True, tag=True):
    """Take the VIPs off the interface."""


class Announce(msgspec.Struct, frozen=True, tag=True):
    """Send one announcement (gratuitous ARP or unsolicited NA) for each VIP."""


class Changed(msgspec.Struct, frozen=True, tag=True):
    """The router changed state; `detail` completes the cause's text, as with the fault found."""

    old: State
    new: State
    cause: Cause
    detail: str

    @property
    def reason(self) -> str:
        """Why, for people."""
        return f"{self.cause.text}: {self.detail}" if self.detail else self.cause.text


class Wants(msgspec.Struct, frozen=True, tag=True):
    """A grouped router would become master now if its group allows."""


class AskFencing(msgspec.Struct, frozen=True, tag=True):
    """Have the master heard last fenced (its packed address, empty for none heard), and tell what came of it."""

    number: int
    master: bytes


class DropFencing(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits for this fencing any more; `failure`: in words why it counts as failed."""

    number: int
    failure: str = ""


class AskWitness(msgspec.Struct, frozen=True, tag=True):
    """This router needs an arbiter's lease, or no longer: whoever asks the witness is to be told."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The VIPs that a peer handed over by name are here and announced: to be told it when those frames have gone out."""


class TwoMasters(msgspec.Struct, frozen=True, tag=True):
    """An advert of another master was heard while this director is master; `address` is its packed source."""

    address: bytes
    priority: int


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """The release that an orderly stop asked for is over."""


class Say(msgspec.Struct, frozen=True, tag=True):
    """A line for the log."""

    text: str


Action = (
    SendAdvert
    | HoldAddresses
    | DropAddresses
    | Announce
    | Changed
    | Wants
    | AskFencing
    | DropFencing
    | AskWitness
    | Ready
    | TwoMasters
    | Stopped
    | Say
)
