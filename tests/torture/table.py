"""Faults on a real IPVS table: `python -m torture.table --seconds N` in a kernel that has IPVS (the lab's).

One director with three real servers behind two services; the kernel's table is read by our own eyes all the time. After each
round the table must be the wished one again, every request answered, and somebody else's service as it was.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
from torture import tracing
from torture.logs import Log
from torture.table_plan import QUIESCING, REMOVING, SERVERS, TEXT, Blow, Strike, full, strikes, unasked

from hactl.lab import net as namespaces
from support.daemon import SIGNS
from support.ipvs_daemon import Site, site, until
from support.processes import send

FOREIGN = ("-A -t 10.99.0.200:99 -s rr", "-a -t 10.99.0.200:99 -r 10.99.0.3:99 -m -w 9")
WITHIN = 60.0
"""Seconds for the table to be right again; the lab kernel takes many times as long to start a process."""
Undo = Callable[[], None]


class Table:
    """The site, and what is done to it."""

    def __init__(self, made: Site) -> None:
        self.made = made
        self._log = Log(made.lb1.log, SIGNS)

    def strike(self, one: Strike) -> Undo:
        """Does it; the answer mends it."""
        words = ("-t", one.service, "-r", one.entry)
        if one.kind is Blow.FLUSH:
            self.made.ipvsadm("-C")
            self.put_foreign()
        elif one.kind is Blow.SERVICE_REMOVED:
            self._by_hand("-D", "-t", one.service)
        elif one.kind is Blow.SERVER_REMOVED:
            self._by_hand("-d", *words)
        elif one.kind is Blow.SERVER_CHANGED:
            self._by_hand("-e", *words, "-m", "-w", str(20 + one.amount))
        elif one.kind is Blow.STRANGER:
            self._by_hand("-a", "-t", one.service, "-r", "10.99.0.29:80", "-m", "-w", "3")
        elif one.kind is Blow.SERVER_DIES:
            return self._die(one)
        elif one.kind in (Blow.KILL, Blow.FREEZE):
            return self._signal(one)
        elif one.kind is Blow.CLOCK:
            return _set_clock(3600.0 * one.amount)
        elif one.kind is Blow.RELOAD:
            self.made.lb1.hactl("reload")
        else:
            return self._calls_fail(one)
        return lambda: None

    def put_foreign(self) -> None:
        """Somebody else's service."""
        for line in FOREIGN:
            self.made.ipvsadm(*line.split())

    def _by_hand(self, *words: str) -> None:
        self.made.net.run("lb1", "ipvsadm", *words, check=False)

    def _die(self, one: Strike) -> Undo:
        if not self.made.farm.listens(one.entry):
            return lambda: None
        self.made.farm.close(one.entry)
        return lambda: self.made.farm.open(one.entry)

    def _signal(self, one: Strike) -> Undo:
        pids = self._pids(one.process)
        send(pids, signal.SIGKILL if one.kind is Blow.KILL else signal.SIGSTOP)
        return lambda: send(pids if one.kind is Blow.FREEZE else [], signal.SIGCONT)

    def _pids(self, process: str) -> list[int]:
        from torture.ground import what_is

        there = namespaces.pids_in(self.made.net.namespace("lb1"))
        return [pid for pid in there if what_is(pid) == process]

    def _calls_fail(self, one: Strike) -> Undo:
        words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto,recvfrom,sendmsg,recvmsg"]
        error = ("ENOBUFS", "ENOMEM", "EINTR")[abs(one.amount) % 3]
        words += ["-e", f"inject=sendto,recvfrom,sendmsg,recvmsg:error={error}:when=2..8"]
        pids = self._pids("supervisor")
        if not pids:
            return lambda: None
        tracer = subprocess.Popen([*words, "-p", str(pids[0])], stderr=subprocess.DEVNULL)

        return lambda: tracing.end(tracer)

    def tend(self) -> None:
        """A supervisor that ended is started again."""
        process = self.made.lb1.process
        if process is not None and process.poll() is not None:
            self.made.lb1.launch()

    # ---- a round ------------------------------------------------------------------------------------------------------

    def play(self, number: int, seed: int) -> list[str]:
        """One round; what was not as it must be."""
        done = strikes(seed, number)
        began = time.monotonic()
        agenda: list[tuple[float, Undo]] = []
        for one in done:
            agenda.append((time.monotonic() + one.lasts, self.strike(one)))
        for at, undo in sorted(agenda, key=lambda pair: pair[0]):
            while time.monotonic() < at:
                self.tend()
                time.sleep(0.05)
            undo()
        mended = time.monotonic()
        broken = self._settle()
        settled = time.monotonic() - mended
        broken += unasked(self.made.watch.since(began), done)
        # A traceback is a permitted answer to system calls that fail.
        broken += self._log.complaints(excused=any(one.kind is Blow.CALLS_FAIL for one in done))
        broken += [] if broken else self._requests()
        for one in done:
            _say({"round": number, "seed": seed, **msgspec.to_builtins(one)})
        _say(
            {
                "round": number,
                "seed": seed,
                "faults": len(done),
                "settled_after": round(settled, 2),
                "broken": broken,
            }
        )
        if broken:
            print(self.made.lb1.log_text()[-6000:], flush=True)
        return broken

    def _settle(self) -> list[str]:
        try:
            until(self._is_well, WITHIN)
        except AssertionError:
            wished, there = full(), self.made.watch.table
            missing, more = sorted(wished - there), sorted(there - wished)
            return [f"not within {WITHIN:g} s: missing {missing}, too much {more}, foreign {self._foreign()}"]
        return []

    def _is_well(self) -> bool:
        self.tend()
        return self.made.watch.table == full() and self._foreign() and self.made.is_up()

    def _foreign(self) -> bool:
        lines = {line.strip() for line in self.made.ipvsadm("-Sn")}
        return set(FOREIGN) <= lines

    def _requests(self) -> list[str]:
        """Every server answers its share."""
        found = []
        for service in (REMOVING, QUIESCING):
            try:
                answered = self.made.ask(service, 2 * len(SERVERS))
            except OSError as error:
                found.append(f"a request to {service} failed: {error}")
            else:
                if sorted(answered.values()) != [2] * len(SERVERS):
                    found.append(f"{service} was answered by {dict(answered)}")
        return found


def _set_clock(step: float) -> Undo:
    """The lab kernel's clock is nobody else's."""

    def move(by: float) -> None:
        time.clock_settime(time.CLOCK_REALTIME, time.time() + by)

    move(step)
    return lambda: move(-step)


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """1 when the table was not as it must be."""
    parser = argparse.ArgumentParser(prog="torture.table")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args(words)
    names = [f"{server}:{port}" for server in SERVERS for port in (80, 81)]
    with site(TEXT, names, clean=False) as made:
        made.farm.open(*names)
        made.start()
        table = Table(made)
        table.put_foreign()
        limit, number, broken = time.monotonic() + options.seconds, options.first, table._settle()
        while not broken and time.monotonic() < limit:
            broken = table.play(number, options.seed)
            number += 1
    print(f"table: {number - options.first} rounds, {'; '.join(broken) or 'well'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
