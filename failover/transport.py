"""Sockets that carry VRRP: one for each interface and family, shared by all its routers.

Owns the raw sockets; decides nothing. What arrives is handed up as it came, with source, destination and TTL.
"""

import socket
import struct

from failover.buffers import enlarge
from failover.closing import close_apart
from failover.ip import CONTROL, Received, frame, read_ipv4
from failover.packet import GROUP4, GROUP6, MAX_MESSAGE, PROTOCOL, Drop
from failover.spec import Family

_IP_PKTINFO = 8
_DRAIN_AT_MOST = 512
"""Packets read in one turn; a flood beyond that waits in the kernel's buffer and is dropped there."""
_RECEIVE_BUFFER = 1 << 20


class AdvertSocket:
    """A raw socket bound to one interface and joined to the VRRP group of one family. Raises OSError."""

    def __init__(self, family: Family, interface: str, index: int) -> None:
        self.family = family
        self.interface = interface
        self.index = index
        self._frames: socket.socket | None = None
        kind = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
        self._socket = socket.socket(kind, socket.SOCK_RAW | socket.SOCK_NONBLOCK, PROTOCOL)
        try:
            self._prepare()
        except OSError:
            self._socket.close()
            raise

    def _prepare(self) -> None:
        sock = self._socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.interface.encode() + b"\0")
        enlarge(sock, _RECEIVE_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)
        if self.family is Family.IPV4:
            member = GROUP4 + b"\0\0\0\0" + struct.pack("=i", self.index)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, CONTROL)
            return
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, GROUP6 + struct.pack("=i", self.index))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self.index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, CONTROL)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Leave the group and close."""
        self._socket.close()
        if self._frames is not None:
            close_apart(self._frames)

    def send(self, message: bytes, source: bytes, destination: bytes, ttl: int, mac: bytes = b"") -> None:
        """Send one VRRP message from a packed source to a packed destination. Raises OSError.

        `mac`: one that is not the interface's own; then it goes to the group, whatever the destination.
        """
        if mac:
            self._send_from(mac, message, source, ttl)
            return
        if self.family is Family.IPV4:
            info = struct.pack("=i4s4s", self.index, source, b"\0" * 4)
            control = [
                (socket.IPPROTO_IP, _IP_PKTINFO, info),
                (socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", ttl)),
            ]
            self._socket.sendmsg([message], control, 0, (socket.inet_ntoa(destination), 0))
            return
        info = source + struct.pack("=i", self.index)
        control = [
            (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info),
            (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, struct.pack("=i", ttl)),
        ]
        address = (socket.inet_ntop(socket.AF_INET6, destination), 0, 0, self.index)
        self._socket.sendmsg([message], control, 0, address)

    def _send_from(self, mac: bytes, message: bytes, source: bytes, ttl: int) -> None:
        if self._frames is None:
            self._frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._frames.bind((self.interface, 0))
        self._frames.send(frame(mac, message, source, ttl))

    def drain(self) -> list[Received | Drop]:
        """All that has arrived, up to a bound. A dead interface gives nothing."""
        arrived: list[Received | Drop] = []
        for _ in range(_DRAIN_AT_MOST):
            try:
                arrived.append(self._receive())
            except OSError:
                break
        return arrived

    def _receive(self) -> Received | Drop:
        if self.family is Family.IPV4:
            return read_ipv4(self._socket.recv(MAX_MESSAGE + 60))
        message, control, _, address = self._socket.recvmsg(MAX_MESSAGE, 256)
        destination, ttl = b"", 0
        for level, kind, value in control:
            if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                destination = value[:16]
            elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT:
                ttl = struct.unpack("=i", value)[0]
        if not destination:
            return Drop.BAD_IP_HEADER
        source = socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])
        return Received(source, destination, ttl, message)
