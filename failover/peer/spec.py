"""What the configuration asks of the peer channel, seen from one director. The key itself is never in here."""

import msgspec


class PeerLink(msgspec.Struct, frozen=True, kw_only=True):
    """One path to a peer: our address on it and the peer's, canonical and of one family."""

    own: str
    peer: str


class PeerDirector(msgspec.Struct, frozen=True, kw_only=True):
    """Another director and every path to it."""

    name: str
    links: tuple[PeerLink, ...]


class PeerChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The channel of this director; off without peers or without a key.

    `beat` is the time between two beats in seconds, `down_after` the beats missed on every link after which a peer is
    down. 200 ms and 5 make one second: adverts, three missed in 300 ms, decide who is master long before; this channel
    has to be quicker than people and slower than a hiccup of the host or the net, and costs five packets a second a link.
    """

    cluster: str
    node: str
    peers: tuple[PeerDirector, ...] = ()
    port: int = 6940
    key_file: str | None = None
    beat: float = 0.2
    down_after: int = 5

    @property
    def dead_time(self) -> float:
        """Silence in seconds after which a link, and with all of them a peer, is down."""
        return self.beat * self.down_after

    @property
    def stale_after(self) -> float:
        """Age in seconds beyond which a packet that was held back on its way is refused."""
        return 2 * self.dead_time
