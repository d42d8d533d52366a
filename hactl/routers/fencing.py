"""What this director knows of fencing: who is to be fenced, what came of it, and which events that makes; core.

The law: a failure is an alarm once, not at each further try; it is over when a fencing ends well, or nobody waits for one.
"""

from typing import TypedDict

from failover.fence_words import FenceAsked
from hactl.config.model import Config
from hactl.events import Occurrence, plain
from hactl.routers.program_spec import FenceProgram
from notify.event import EventKind, Severity

FAILED, WENT_ON, OVER = "failed", "went on", "over"
"""What `router.unfenced` says: no takeover; a takeover all the same; nobody waits for it any more."""


class FenceView(TypedDict):
    """A router's fencing as status shows it. `failure` is that of the last run, empty after a good one."""

    required: bool
    running: bool
    waiting: bool
    """A required fencing failed, so there is no takeover."""
    runs: int
    failures: int
    peer: str
    """Whom the last run was to fence."""
    failure: str


class Fencing:
    """That of one router."""

    def __init__(self, spec: FenceProgram) -> None:
        self.spec = spec
        self.asked: FenceAsked | None = None
        """The ask that nothing came of yet."""
        self._peer = self._failure = ""
        self._waiting = False
        self._runs = self._failures = 0

    def ask(self, ask: FenceAsked, peer: str) -> None:
        """A run begins, against this director."""
        self.asked, self._peer = ask, peer
        self._runs += 1

    def ended(self, failure: str) -> Occurrence | None:
        """The run is over; what is news of that."""
        self.asked = None
        known, self._failure = self._failure if self._waiting else "", failure
        whom = self._peer or "the master heard last"
        if not failure:
            self._waiting = False
            return plain(EventKind.ROUTER_FENCED, self.spec.router, f"{whom} was fenced before a takeover")
        self._failures += 1
        self._waiting = self.spec.required
        if failure == known:
            return None
        new, then = (
            (FAILED, "no takeover without it") if self._waiting else (WENT_ON, "taking over all the same")
        )
        reason = f"fencing {whom} failed ({failure}): {then}"
        return plain(EventKind.ROUTER_UNFENCED, self.spec.router, reason, new=new)

    def dropped(self) -> Occurrence | None:
        """Nobody waits for fencing any more."""
        self.asked = None
        if not self._waiting:
            return None
        self._waiting = False
        return Occurrence(
            kind=EventKind.ROUTER_UNFENCED,
            subject=self.spec.router,
            new=OVER,
            reason="no takeover waits for fencing any more",
            severity=Severity.INFO,
        )

    def view(self) -> FenceView:
        """For status."""
        return {
            "required": self.spec.required,
            "running": self.asked is not None,
            "waiting": self._waiting,
            "runs": self._runs,
            "failures": self._failures,
            "peer": self._peer,
            "failure": self._failure,
        }


def peer_of(config: Config, router: str, address: str) -> str:
    """The director whose adverts come from this address, empty when that is not known. Of a pair it is the other one."""
    others = [director for director in config.directors if director.name != config.node]
    for director in others:
        if address in director.addresses:
            return director.name
    for spec in config.failover.routers:
        for peer in spec.peers if spec.name == router else ():
            if peer.address == address:
                return peer.name
    return others[0].name if len(others) == 1 else ""
