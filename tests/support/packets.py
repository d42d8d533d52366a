"""Adverts that another implementation sent, kept as hex beside the tests: a line of text a packet."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from failover.host import shown
from failover.ip import Received
from support.failover import packed

FOLDER = Path(__file__).parents[1] / "failover" / "packets"
KEEPALIVED = FOLDER / "keepalived-2.2.7.txt"


def read(path: Path) -> dict[str, Received]:
    """The packets of a file by name; lines that begin with # are notes."""
    lines = (line.split() for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {
        name: Received(packed(source), packed(destination), int(ttl), bytes.fromhex("".join(data)))
        for name, source, destination, ttl, *data in lines
    }


def write(path: Path, notes: Iterable[str], packets: Mapping[str, Received]) -> None:
    """Write such a file."""
    lines = [f"# {note}" for note in notes]
    for name, packet in packets.items():
        ends = f"{shown(packet.source)} {shown(packet.destination)} {packet.ttl}"
        lines.append(f"{name} {ends} {packet.message.hex(' ', -4)}")
    path.write_text("\n".join(lines) + "\n")
