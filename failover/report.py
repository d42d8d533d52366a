"""What the failover worker tells of its routers."""

import msgspec

from failover.fence_words import FenceAsk
from failover.moves import Cause, State
from failover.priority import Seen
from failover.seals import Sealing
from failover.spec import Family


class RouterReport(msgspec.Struct, frozen=True, tag=True):
    """All that status shows of one router; sent at every change, and once a second while something in it moved.

    `master` is the address of the director believed master, empty if none is known. `since`, `hold_until` and the
    times in `neighbours` (when each other director was last heard) are monotonic seconds. `checksums` is the form that
    each of them sends over IPv4. `drops` counts received packets dropped, by reason. `lateness` is the worst lateness of a
    timer since the last report, in seconds; `renewal` the longest write of addresses. `lease` is whole seconds, `holding`
    the VIPs on the interface. `hold_for` is the address of the master that is not preempted before `hold_until`, empty
    where it is not known yet; `rival` that of a second master heard now.
    """

    router: str
    state: State
    cause: Cause
    reason: str
    since: float
    priority: int
    base_priority: int
    master: str
    transitions: int
    drops: dict[str, int]
    lateness: float
    renewal: float
    neighbours: dict[str, float]
    lease: int
    holding: tuple[str, ...]
    hold_until: float | None = None
    hold_for: str = ""
    rival: str = ""
    track: tuple[Seen, ...] = ()
    checksums: dict[str, str] = {}
    claim: int = 0
    """Numbers the router's claim to an arbiter's lease, 0 while it needs none."""
    old: State | None = None
    """Set when this report tells of a change of state."""


class Conflict(msgspec.Struct, frozen=True, tag=True):
    """A second master was heard on this router."""

    router: str
    other: str
    reason: str


class Alarm(msgspec.Struct, frozen=True, tag=True):
    """What somebody should look into: adverts of one router that are refused, or (no router) this host's clock."""

    router: str
    reason: str


class ReleasePacket(msgspec.Struct, frozen=True):
    """A priority-0 advert, ready but for the HMAC trailer: message, packed addresses and TTL.

    `mac` is the virtual one that it comes from; empty: the interface's own.
    """

    source: bytes
    destination: bytes
    ttl: int
    message: bytes
    mac: bytes = b""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What one router holds, ready for the supervisor to act on while this worker's process is dead.

    `renew` and `drop` are netlink bytes; `every` is the renewal period in seconds (0: no lease, or
    one that needs witnesses, of whom nobody can be asked here). `packets` are empty
    unless the router is master. `sealing`: adverts need an HMAC trailer, made with the keys of a file. Adverts are taken
    from `senders` alone (packed; empty: from anybody) and with a TTL in `ttl_accept` (None: any).
    """

    router: str
    vrid: int
    family: Family
    interface: str
    index: int
    renew: bytes
    drop: bytes
    every: float
    packets: tuple[ReleasePacket, ...] = ()
    sealing: Sealing | None = None
    senders: tuple[bytes, ...] = ()
    ttl_accept: tuple[int, int] | None = None


class Renewal(msgspec.Struct, frozen=True, tag=True):
    """Everything this worker holds now."""

    held: tuple[Held, ...]


class Remark(msgspec.Struct, frozen=True, tag=True):
    """A line for the log about one router (empty: about the host)."""

    router: str
    text: str
    warning: bool = False


class PeerPayload(msgspec.Struct, frozen=True, tag=True):
    """What a peer's supervisor says to ours; opaque here."""

    peer: str
    data: bytes


class Emptied(msgspec.Struct, frozen=True, tag=True):
    """Every router has stopped and gave up its addresses: the worker may exit."""


Told = RouterReport | Conflict | Alarm | FenceAsk | Renewal | PeerPayload
"""What the supervisor is told as it is."""
Report = Told | Remark | Emptied
