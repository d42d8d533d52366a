"""`python -m bench flows`: which connections through IPVS go on when their director fails, hactl and keepalived in turns.

It needs a kernel with IPVS, so `bench` runs it in the lab kernel; shares of connections count there, times do not.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.book import FOLDER, Book
from bench.flows.sides import BACKUP, HOSTS, SERVERS, SERVICE, SIDES, Means, Side, settled
from bench.outage.acts import Act
from bench.outage.calls import Calls

from hactl.lab import guest
from hactl.lab import net as namespaces
from hactl.lab.cluster import LabError, wait_for
from support.ipvs_daemon import VIP
from support.ipvs_farm import Farm
from support.netns import Lan, lan

ACTS = (Act.HANDOVER, Act.TERM, Act.KILL_ALL, Act.FREEZE, Act.CUT)
CALLS, EVERY = 20, 0.25
_TALKED = 4.0
"""Seconds: the kernel has told the other director of each connection."""
_START, _MOVED = 240.0, 60.0


class Flow(NamedTuple):
    """Of `held` connections `kept` went on."""

    side: str
    means: str
    act: str
    kept: int
    held: int


@contextlib.contextmanager
def ground(folder: Path) -> Iterator[Lan]:
    """Two directors' hosts, a client, and two real servers that have the VIP as direct routing wants it."""
    with lan(*HOSTS) as net, contextlib.ExitStack() as stack:
        for host in SERVERS:
            quiet = {f"ipv4/conf/{which}/arp_ignore": "1" for which in ("all", "eth0")}
            loud = {f"ipv4/conf/{which}/arp_announce": "2" for which in ("all", "eth0")}
            namespaces.write_switches(net.namespace(host), quiet | loud)
            net.ip(host, f"address add {VIP}/32 dev lo")
            stack.enter_context(Farm(net, host)).open(f"{net.address(host)}:80", f"{VIP}:80")
        yield net


def play(side: Side, means: Means, act: Act) -> Flow:
    """One failure from a settled pair."""
    with Calls(side.net.namespace("client"), SERVICE, CALLS, EVERY) as talking:
        time.sleep(_TALKED)
        side.do(act)
        wait_for(f"{BACKUP} has the VIP", lambda: VIP in side.net.addresses(BACKUP), _MOVED)
        time.sleep(1.0)
        kept, held, _ = talking.kept()
    return Flow(side.name, means.value, act.value, kept, held)


def compare(means: Means, acts: Sequence[Act], rounds: int) -> Iterator[Flow | str]:
    """Every act, from each side; a pair that does not come back is told and left."""
    for name, made in SIDES.items():
        with tempfile.TemporaryDirectory(prefix="hactl-flows-") as place:
            folder = Path(place)
            folder.chmod(0o755)
            try:
                with ground(folder) as net, made(net, folder, means) as side:
                    side.start()
                    for act in (*acts,) * rounds:
                        wait_for(f"{name} settled", partial(settled, side), _START, every=0.5)
                        yield play(side, means, act)
                        side.undo(act)
            except (LabError, OSError, AssertionError, subprocess.SubprocessError) as error:
                yield f"{name}, {means}: given up: {type(error).__name__}: {error}"


def main() -> int:
    """Plays, prints, writes."""
    parser = argparse.ArgumentParser(prog="bench.flows", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--acts", type=Act, nargs="+", default=ACTS)
    parser.add_argument("--means", type=Means, nargs="+", default=tuple(Means))
    parser.add_argument("--json", type=Path, default=FOLDER / "flows.json")
    asked = parser.parse_args()
    book = Book(asked.json, {"rounds": asked.rounds})
    began, failed = time.monotonic(), False
    with guest.raising_signals():
        for means in asked.means:
            for one in compare(means, asked.acts, asked.rounds):
                text = one
                if isinstance(one, Flow):
                    text = (
                        f"{one.side:11}{one.means:6}{one.act:10}{one.kept} of {one.held} connections went on"
                    )
                    book.add("flow", one._asdict())
                failed = failed or isinstance(one, str)
                print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
