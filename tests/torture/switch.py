"""The campaign's switch, a process: joins the ports of a namespace, and lets the weather have its way with each frame.

``python -m torture.switch NAMESPACE SEED`` reads lines of JSON from its input: a list of `weather.Rule`. The running
kernel has no netem; here every frame goes through our hands, so that delay, duplication, overtaking and one-way loss
need nothing of it. Ports whose names end in "-l" are the directors' own cable, the others the LAN. A port may go and
come back, as a cable does.
"""

import contextlib
import heapq
import os
import select
import socket
import sys
import time
from random import Random

import msgspec
from torture.weather import Rule, verdict

from failover.buffers import enlarge
from hactl.lab import net as namespaces

LINK = "-l"
_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_VNET = 10
"""Bytes before each frame that say which checksums and segments are still to be made: they go on as they came."""
_OUTGOING = 4
_LOOK_EVERY = 0.05


class Switch:
    """All ports, what is under way, and where each hardware address was seen last."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.rules: list[Rule] = []
        self.ports: dict[int, str] = {}
        self.homes: dict[bytes, int] = {}
        self.flying: list[tuple[float, int, int, bytes]] = []
        self.sent = 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self.socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        enlarge(self.socket, 16 << 20)
        self.socket.setblocking(False)

    def look(self) -> None:
        """The ports as they are now."""
        self.ports = {number: name for number, name in socket.if_nameindex() if name != "lo"}

    def read(self) -> None:
        """Every frame that has arrived."""
        while True:
            try:
                data, where = self.socket.recvfrom(1 << 17)
            except (BlockingIOError, OSError):
                return
            if where[2] == _OUTGOING or where[0] == "lo":
                continue
            port = next((number for number, name in self.ports.items() if name == where[0]), 0)
            if port:
                self.take(port, data)

    def take(self, port: int, data: bytes) -> None:
        """One frame: to the port where its receiver was seen, or to all."""
        frame = data[_VNET:]
        self.homes[frame[6:12]] = port
        home = self.homes.get(frame[:6])
        name = self.ports[port]
        for other, its in self.ports.items():
            same = its.endswith(LINK) == name.endswith(LINK)
            if other != port and same and (home is None or home == other or home not in self.ports):
                for delay in verdict(self.rules, name, its, frame, self.dice):
                    self.sent += 1
                    heapq.heappush(self.flying, (time.monotonic() + delay, self.sent, other, data))

    def deliver(self) -> float:
        """What is due; seconds until the next."""
        while self.flying and self.flying[0][0] <= time.monotonic():
            _, _, port, data = heapq.heappop(self.flying)
            with contextlib.suppress(OSError):  # a cable that is down or gone
                self.socket.sendto(data, (self.ports.get(port, ""), _ETH_P_ALL))
        return max(0.0, self.flying[0][0] - time.monotonic()) if self.flying else _LOOK_EVERY

    def run(self) -> None:
        """Until the input ends."""
        decoder = msgspec.json.Decoder(list[Rule])
        looked = 0.0
        rest = b""
        while True:
            wait = min(_LOOK_EVERY, self.deliver())
            ready, _, _ = select.select([self.socket.fileno(), 0], [], [], wait)
            if time.monotonic() > looked + _LOOK_EVERY:
                self.look()
                looked = time.monotonic()
            if self.socket.fileno() in ready:
                self.read()
            if 0 in ready:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.rules = decoder.decode(line)
                    os.write(1, b".\n")


def main() -> None:
    """Serves a namespace, ahead of what it serves."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
    with namespaces.inside(sys.argv[1]):
        switch = Switch(Random(sys.argv[2]))
        switch.look()
        os.write(1, b".\n")
        switch.run()


if __name__ == "__main__":
    main()
