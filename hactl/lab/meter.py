"""The client's watch on one VIP: probes, requests, announcements, and who holds the address in each kernel.

``python -m hactl.lab.meter SETUP`` (SETUP is JSON, see ``Setup``) reads the words "start" and "stop" from its
input and answers each "stop" with one ``Recording`` as a line of JSON. One process holds sockets of all
namespaces, so there is one clock, and a director's responder does not depend on the daemons that are being
hurt.

Its law: it only looks. Who should hold the address, and how long a gap may be, is none of its business.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec

from failover import wire
from hactl.lab import net
from hactl.lab.samples import Announcement, Claim, Outcome, Probe, Recording, Request

PORT: Final = 7007
PATIENCE: Final = 1.0
SETTLE: Final = 0.15
IP_FREEBIND: Final = 15
ETH_P_ARP: Final = 0x0806
RTMGRP_IPV4_IFADDR: Final = 0x10
FAILURES: Final = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.ECONNRESET: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
    errno.EHOSTUNREACH: Outcome.UNREACHABLE,
    errno.ENETUNREACH: Outcome.UNREACHABLE,
}


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch. ``directors`` maps names to namespaces; intervals in seconds."""

    client: str
    directors: dict[str, str]
    vip: str
    probe_interval: float = 0.001
    request_interval: float = 0.01


def announced_hardware(frame: bytes, vip: bytes) -> str:
    """The hardware address in a gratuitous ARP frame for ``vip`` (Ethernet header included), or empty."""
    if len(frame) < 42 or frame[28:32] != vip or frame[38:42] != vip:
        return ""
    return frame[22:28].hex(":")


class Responder:
    """Answers datagrams and connections to the VIP with its director's name, whatever hangs beside it."""

    def __init__(self, name: str, setup: Setup, ready: selectors.BaseSelector) -> None:
        self.name = name.encode()
        with net.inside(setup.directors[name]):
            self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.connections = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for listening in (self.datagrams, self.connections):
            listening.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((setup.vip, PORT))
            listening.setblocking(False)
        self.connections.listen(256)
        ready.register(self.datagrams, selectors.EVENT_READ, self.echo)
        ready.register(self.connections, selectors.EVENT_READ, self.answer)

    def echo(self) -> None:
        """Sends each datagram back with the name."""
        with contextlib.suppress(OSError):
            while True:
                data, sender = self.datagrams.recvfrom(64)
                self.datagrams.sendto(data + self.name, sender)

    def answer(self) -> None:
        """Sends the name down each new connection and closes it."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.connections.accept()
                with connection, contextlib.suppress(OSError):
                    connection.send(self.name)


class HolderWatch:
    """Knows from the kernel's own messages whether one director holds the VIP."""

    def __init__(self, name: str, setup: Setup, ready: selectors.BaseSelector, meter: Meter) -> None:
        self.name, self.meter, self.held = name, meter, False
        self.vip = socket.inet_aton(setup.vip)
        with net.inside(setup.directors[name]):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, RTMGRP_IPV4_IFADDR))
        self.socket.setblocking(False)
        self.socket.send(wire.dump_addresses(1))
        ready.register(self.socket, selectors.EVENT_READ, self.read)

    def read(self) -> None:
        """Takes the kernel's messages; only real changes are noted."""
        with contextlib.suppress(BlockingIOError):
            while True:
                for message in wire.read(self.socket.recv(65536)):
                    if isinstance(message, wire.Address) and message.address == self.vip:
                        self.note(not message.gone)

    def note(self, held: bool) -> None:
        """Keeps a change; a renewal is none."""
        if held != self.held:
            self.held = held
            self.meter.claims.append(Claim(time.monotonic(), self.name, held))


class Attempt:
    """One request under way."""

    def __init__(self, meter: Meter, made: socket.socket, vip: str) -> None:
        self.meter, self.socket, self.sent = meter, made, time.monotonic()
        self.socket.setblocking(False)
        self.socket.connect_ex((vip, PORT))
        meter.ready.register(self.socket, selectors.EVENT_READ, self.read)

    def read(self) -> None:
        """The answer or the failure."""
        try:
            name = self.socket.recv(64).decode()
        except OSError as error:
            self.end(FAILURES.get(error.errno or 0, Outcome.RESET))
        else:
            self.end(Outcome.OK if name else Outcome.RESET, name)

    def end(self, outcome: Outcome, by: str = "") -> None:
        """Notes the result and forgets the connection."""
        self.meter.ready.unregister(self.socket)
        self.socket.close()
        self.meter.attempts.discard(self)
        self.meter.requests.append(Request(self.sent, time.monotonic() - self.sent, outcome, by))


class Meter:
    """All sockets and what they saw since the last start."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.ready = selectors.DefaultSelector()
        self.attempts: set[Attempt] = set()
        self.claims: list[Claim] = []
        self.sent: list[float] = []
        self.base = 0
        self.responders = [Responder(name, setup, self.ready) for name in setup.directors]
        self.watches = [HolderWatch(name, setup, self.ready, self) for name in setup.directors]
        with net.inside(setup.client):
            self.probing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
        self.vip = socket.inet_aton(setup.vip)
        self.probing.setblocking(False)
        self.arp.setblocking(False)
        self.ready.register(self.probing, selectors.EVENT_READ, self.read_answers)
        self.ready.register(self.arp, selectors.EVENT_READ, self.read_arp)
        self.reset()

    def reset(self) -> None:
        """Begins a new recording with what is known now."""
        self.begin = time.monotonic()
        self.first = tuple(watch.name for watch in self.watches if watch.held)
        self.base += len(self.sent)
        self.sent = []
        self.answers: dict[int, Probe] = {}
        self.requests: list[Request] = []
        self.announcements: list[Announcement] = []
        self.claims.clear()

    def send_probe(self) -> None:
        """One more datagram; numbers go on over recordings, so that a late answer is never taken for another's."""
        number = self.base + len(self.sent)
        self.sent.append(time.monotonic())
        with contextlib.suppress(OSError):
            self.probing.sendto(struct.pack("!I", number), (self.setup.vip, PORT))

    def read_answers(self) -> None:
        """Answers to probes; an error that the network reported is the loss of a probe and needs no note."""
        while True:
            try:
                data = self.probing.recv(64)
            except BlockingIOError:
                return
            except OSError:
                continue
            place = struct.unpack_from("!I", data)[0] - self.base
            if place >= 0:
                sent = self.sent[place]
                self.answers[place] = Probe(sent, data[4:].decode(), time.monotonic() - sent)

    def read_arp(self) -> None:
        """Announcements of the VIP."""
        with contextlib.suppress(BlockingIOError):
            while True:
                hardware = announced_hardware(self.arp.recv(128), self.vip)
                if hardware:
                    self.announcements.append(Announcement(time.monotonic(), hardware))

    def send_request(self) -> None:
        """One more connection, after those that waited too long were given up."""
        now = time.monotonic()
        for late in [attempt for attempt in self.attempts if now - attempt.sent > PATIENCE]:
            late.end(Outcome.TIMEOUT)
        with net.inside(self.setup.client):
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.attempts.add(Attempt(self, made, self.setup.vip))

    def turn(self, limit: float) -> None:
        """Serves what is ready, for at most ``limit`` seconds of waiting."""
        for key, _ in self.ready.select(max(0.0, limit)):
            serve: Callable[[], None] = key.data
            serve()

    def run(self, until: Callable[[], bool]) -> None:
        """Probes and requests at their intervals until told otherwise."""
        probe = request = time.monotonic()
        while not until():
            now = time.monotonic()
            if now >= probe:
                self.send_probe()
                probe = max(probe + self.setup.probe_interval, now)
            if now >= request:
                self.send_request()
                request = max(request + self.setup.request_interval, now)
            self.turn(min(probe, request) - time.monotonic())

    def finish(self) -> Recording:
        """Waits for what is under way, then returns everything."""
        end = time.monotonic()
        while time.monotonic() < end + SETTLE or self.attempts:
            self.turn(0.01)
            for late in [a for a in self.attempts if time.monotonic() - a.sent > PATIENCE]:
                late.end(Outcome.TIMEOUT)
        return Recording(
            begin=self.begin,
            end=end,
            first=self.first,
            probes=tuple(self.answers.get(n) or Probe(sent) for n, sent in enumerate(self.sent)),
            requests=tuple(sorted(self.requests, key=lambda request: request.sent)),
            claims=tuple(claim for claim in self.claims if claim.at <= end),
            announcements=tuple(frame for frame in self.announcements if frame.at <= end),
        )


def serve(setup: Setup) -> None:
    """Obeys "start" and "stop" until its input ends; ahead of other processes, as a client elsewhere would be."""
    gc.disable()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    meter = Meter(setup)
    words: list[str] = []

    def read_words() -> None:
        words.extend(os.read(0, 1024).decode().split() or ["quit"])

    meter.ready.register(0, selectors.EVENT_READ, read_words)
    print("ready", flush=True)
    while True:
        while not words:
            meter.turn(1.0)
        if words.pop(0) == "quit":
            return
        meter.reset()
        meter.run(lambda: bool(words))
        words.pop(0)
        print(msgspec.json.encode(meter.finish()).decode(), flush=True)


if __name__ == "__main__":
    serve(msgspec.json.decode(sys.argv[1], type=Setup))
