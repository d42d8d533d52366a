"""Packets of one peer as datagrams of its links, and back: who speaks to whom, over which addresses, with which keys."""

import ipaddress

from failover.peer.actions import Action, Send
from failover.peer.keys import Keyring
from failover.peer.packet import Drop, Ends, Kind, Packet, decode, director_id, encode
from failover.peer.session import Session
from failover.peer.spec import PeerChannelSpec, PeerDirector


class Voice:
    """What is said to one peer and heard of it. `keys` may be changed at any moment."""

    def __init__(self, spec: PeerChannelSpec, peer: PeerDirector, keys: Keyring, session: Session) -> None:
        own, other = director_id(spec.cluster, spec.node), director_id(spec.cluster, peer.name)
        self.keys = keys
        self._session = session
        self._out = [Ends(own, other, _packed(link.own) + _packed(link.peer)) for link in peer.links]
        self._in = [Ends(other, own, _packed(link.peer) + _packed(link.own)) for link in peer.links]

    def read(self, link: int, datagram: bytes) -> Packet | Drop:
        """The packet in a datagram that arrived on a link, if the peer made it for this link."""
        return decode(datagram, self.keys, self._in[link])

    def say(self, link: int, kind: Kind, body: bytes, now: float) -> Action:
        """A packet of the session on one link."""
        packet = self._session.packet(kind, body, now)
        return Send(link, encode(packet, self.keys.sending, self._out[link]))

    def everywhere(self, kind: Kind, body: bytes, now: float) -> list[Action]:
        """The same on every link, each time as a packet of its own."""
        return [self.say(link, kind, body, now) for link in range(len(self._out))]

    def hellos(self, answering: bytes) -> list[Action]:
        """A hello on every link."""
        return [
            Send(link, encode(self._session.hello(answering), self.keys.sending, ends))
            for link, ends in enumerate(self._out)
        ]


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed
