"""The campaign's eyes: frames and addresses (`support.recorder`), questions for the VIP, and the lateness of this machine.

Effects only; what is seen becomes a `Sight`.
"""

import socket
import struct
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from torture import sight
from torture.places import OPERATORS, VIP, VIP6
from torture.sight import Done, Sight
from torture.traffic import Traffic

from support.recorder import Event, Frame, Recorder

ASK_EVERY = 0.05
_ASKED_AS = "10.99.0.254"
_SEEN = frozenset({VIP, VIP6, *OPERATORS})


class Asker:
    """Asks the LAN again and again who has the VIP, and measures how late it is itself."""

    def __init__(self, record: Recorder) -> None:
        with record.net.inside("client"):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind(("eth0", 0))
        self.stall = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="asker")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        self._socket.close()

    def _ask(self) -> None:
        frame = sight.question(VIP, _ASKED_AS)
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            self.stall = max(self.stall, time.monotonic() - due)
            self._socket.send(frame)
            due = max(due + ASK_EVERY, time.monotonic())


class Watch:
    """What happened since the last `begin`."""

    def __init__(self, record: Recorder, asker: Asker, traffic: Traffic) -> None:
        self.record, self.asker, self.traffic = record, asker, traffic
        self.began = time.monotonic()
        self.first: frozenset[str] = frozenset()

    def begin(self) -> None:
        """A new round: what was seen before is forgotten, but for who has the VIP."""
        self.record.adverts(since=float("inf"))
        self.first = self.holders()
        self.record.events.clear()
        self.record.frames.clear()
        self.asker.stall = 0.0
        self.traffic.begin()
        self.began = time.monotonic()

    def holders(self, address: str = VIP) -> frozenset[str]:
        """Who has the address now, by the last event of each host."""
        there = set(self.first)
        for event in list(self.record.events):
            if event.address == address:
                (there.add if event.there else there.discard)(event.host)
        return frozenset(there)

    def sight(self, mended: float, settled: float, done: list[Done]) -> Sight:
        """The round until now."""
        recording = self.traffic.end()
        self.record.adverts(since=float("inf"))
        frames = list(self.record.frames)
        return Sight(
            begin=self.began,
            mended=mended,
            settled=settled,
            end=time.monotonic(),
            first=self.first,
            done=done,
            events=[event for event in list(self.record.events) if event.address in _SEEN],
            adverts=sight.adverts(frames),
            announcements=sight.announcements(frames),
            answers=list(sight.answers(frames, VIP)),
            probes=list(recording.probes),
            stall=self.asker.stall,
        )


def keep(folder: Path, frames: list[Frame], events: list[Event]) -> None:
    """Writes what was seen where a person can look at it: a capture for tcpdump, and lines."""
    with (folder / "frames.pcap").open("wb") as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            seconds = int(frame.at)
            micro = int((frame.at - seconds) * 1e6)
            file.write(struct.pack("=IIII", seconds, micro, len(frame.data), len(frame.data)) + frame.data)
    lines = (f"{e.at:.6f} {e.host} {e.address} {'there' if e.there else 'gone'}\n" for e in events)
    (folder / "addresses").write_text("".join(lines))
