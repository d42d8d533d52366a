"""What the channel tells of a peer, for status and metrics."""

import msgspec

from failover.peer.actions import PeerState
from failover.peer.standing import RouterView


class LinkReport(msgspec.Struct, frozen=True, kw_only=True):
    """One link to a peer: both addresses, its state and why."""

    own: str
    peer: str
    state: PeerState
    reason: str


class PeerReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One peer. `since` is monotonic seconds, `drops` the datagrams refused on its links by reason, `payload_taken` the
    version of our payload that it has (0: none in this session), `routers` what it said last of its routers while up."""

    peer: str
    state: PeerState
    reason: str
    since: float
    links: tuple[LinkReport, ...]
    drops: dict[str, int]
    payload_taken: int
    routers: tuple[RouterView, ...] = ()
