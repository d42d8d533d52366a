"""What a status snapshot is made of, and the clocks that turn its times into words; core.

Times inside the daemon are monotonic; `Clock` turns them into wall-clock words here and nowhere else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from failover.lateness import Lateness
from failover.peer.report import PeerReport
from failover.report import RouterReport
from hactl.config.model import Config
from hactl.ipvs.model import ServiceCounters, ServiceKey, Table
from hactl.ipvs.sync import SyncView
from hactl.problems.acks import Ack
from hactl.problems.problems import Problem
from hactl.processes.messages import ChannelReport
from hactl.routers.fencing import FenceView
from hactl.services.state import State
from hactl.status.form import WorkerView
from hactl.wishes.mastership import Mastership
from hactl.wishes.overrides import Override
from hactl.witness.view import WitnessesView
from health.result import Outcome
from notify.problem import Key

CLOCK_SET_BEYOND = 0.1
"""Seconds by which the wall clock must have moved against the monotonic one until shown times follow it."""


class Clock(msgspec.Struct, frozen=True):
    """An instant of the monotonic clock, and how far the wall clock is ahead of that clock, in seconds."""

    monotonic: float
    ahead: float

    def at(self, monotonic: float, wall: float) -> "Clock":
        """Both clocks at another instant. A past instant keeps its words until the wall clock was really set anew."""
        ahead = wall - monotonic
        return Clock(monotonic, self.ahead if abs(ahead - self.ahead) < CLOCK_SET_BEYOND else ahead)

    def text(self, monotonic: float) -> str:
        """A monotonic instant as wall-clock words (RFC 3339, UTC)."""
        return wall_text(self.ahead + monotonic)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All that the snapshot is made of. `started` is monotonic, `loaded` wall clock; `unreported` says why there is
    no report of a router."""

    config: Config
    version: str
    clock: Clock
    started: float
    loaded: float
    state: State
    reports: Mapping[str, RouterReport]
    peers: Mapping[str, PeerReport] = {}
    peer_configs: Mapping[str, bool | None] = {}
    unreported: str = "the failover worker has not spoken yet"
    outcomes: Mapping[str, Outcome]
    users: Mapping[str, Sequence[tuple[str, str]]] = {}
    """(service, server) of all that use a check, by its id: it runs once for all of them."""
    held: Table
    counters: Mapping[ServiceKey, ServiceCounters]
    refused: Mapping[str, str] = {}
    overrides: Sequence[Override] = ()
    mastership: Mastership = Mastership()
    problems: Sequence[Problem] = ()
    acknowledged: Mapping[Key, Ack] = {}
    workers: Mapping[str, WorkerView] = {}
    channels: Mapping[str, ChannelReport] = {}
    fencings: Mapping[str, FenceView] = {}
    witnesses: WitnessesView | None = None
    splits: Sequence[str] = ()
    lateness: Lateness | None = None
    sync: SyncView | None = None
    warnings: Sequence[str] = ()


def wall_text(at: float) -> str:
    """Wall-clock seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
