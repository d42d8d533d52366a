"""What a running router needs of the worker around it; whoever joins routers to a host provides it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import Protocol

from failover.claiming import Claims
from failover.frames import Told
from failover.guards import Guards
from failover.host import Host
from failover.kernel_job import Job
from failover.place import Place
from failover.priority import Known
from failover.report import Report
from failover.spec import RouterSpec
from failover.trailer_clock import Moment


class Handed(Enum):
    """How far a handover by name has come for one router."""

    READY = "ready"
    """Taken: the VIPs are here, and their announcement has gone out."""
    LOST = "lost"
    """Not taken after all."""
    LET_GO = "let_go"
    """The VIPs are off this director's interface."""


class Surroundings(Protocol):
    """What an instance needs of the worker around it."""

    host: Host
    guards: Guards
    known: Known
    """Of what routers track besides interfaces."""

    def send(self, spec: RouterSpec, message: bytes, source: bytes, destination: bytes) -> None:
        """Send a VRRP message. Raises OSError."""

    def write(self, job: Job) -> None:
        """Queue a write of addresses."""

    def held_by_others(self, owner: object, addresses: Collection[bytes]) -> set[Place]:
        """Where other routers here hold some of these: the successor of a router that was made anew has its VIPs already."""

    def trouble(self, spec: RouterSpec) -> str | None:
        """Why this router cannot send and hear, None when it can."""

    def announce(
        self, spec: RouterSpec, interface: str, frames: Sequence[bytes], still: Callable[[], bool]
    ) -> None:
        """Queue frames on an interface, each sent only while `still` holds."""

    def after_announcing(self, interfaces: Iterable[str], act: Told) -> None:
        """Call `act` once all frames that wait on these interfaces have gone out; with False when some could not."""

    def handed(self, router: str, how: Handed) -> None:
        """Whoever hands routers over by name is to hear this."""

    def named(self, router: str) -> Sequence[Claims]:
        """All that bear this name here: one that runs, and forerunners that are leaving."""

    def report(self, report: Report) -> None:
        """Tell the supervisor."""

    def member_changed(self, router: str) -> None:
        """A router became master, stopped being it, or would become it if its group allows."""

    def moment(self) -> Moment:
        """Both clocks, read now."""

    def before_timer(self) -> None:
        """Hand over every packet that has arrived, before a timer acts."""
