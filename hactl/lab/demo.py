"""``hactl lab demo``: two directors and real servers under real traffic, every failure played, one table at the end.

Its law: exit status 0 says that everything happened as promised; anything else, 1, and the table says what.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hactl.lab import guest, kernel, machine, service, table, takeovers
from hactl.lab.cluster import LabError
from hactl.lab.kernel import Place
from hactl.lab.net import NetError
from hactl.lab.serving import Check
from hactl.lab.stories import STORIES, Result, Verdict

GUEST_LIMIT = 280.0
GUEST_MEMORY = "1G"


class Teller:
    """Prints lines with the time since the demo began."""

    def __init__(self) -> None:
        self.begin = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{self.elapsed():6.1f} s] {text}", flush=True)

    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.begin


def play_takeovers(say: Teller) -> tuple[list[Result], list[str]]:
    """Part one; the results so far and what stopped it."""
    say("1. Failures of a director, on the running kernel: adverts every 100 ms, a probe every millisecond")
    results: list[Result] = []
    try:
        results.extend(takeovers.run(say))
    except (LabError, NetError) as error:
        say(f"stopped: {error}")
        return results, [str(error).splitlines()[0]]
    return results, []


def play_service(say: Teller, place: Place) -> tuple[list[Check], list[str]]:
    """Part two, here or in a guest; the checks so far and what stopped it."""
    say(f"2. Real servers behind IPVS by nat, dr and tun, {place.text}")
    with tempfile.TemporaryDirectory(prefix="hactl-demo-", dir="/var/tmp") as folder:
        file = Path(folder) / "checks.json"
        if place is Place.HERE:
            service.main(file, say.elapsed())
            status = 0
        else:
            command = [sys.executable, "-m", "hactl.lab.service", str(file), f"{say.elapsed():.1f}"]
            status = guest.run(
                guest.make_job(command, memory=GUEST_MEMORY, time_limit=GUEST_LIMIT, shown=[folder])
            )
        found = msgspec.json.decode(file.read_bytes(), type=list[Check]) if file.exists() else []
    return found, [] if status == 0 else [f"the cluster's part ended with status {status}"]


def broken(results: Sequence[Result], checks: Sequence[Check]) -> list[str]:
    """What did not happen as promised, in words."""
    late = [f"{r.act.text}: {c}" for r in results for c in r.complaints]
    return late + [f"{check.name}: {check.seen}" for check in checks if not check.ok]


def main() -> int:
    """Plays both parts and prints the table; the exit status."""
    say = Teller()
    try:
        facts = kernel.inspect()
        place = kernel.choose(facts)
        if not facts.admin:
            raise LabError("network namespaces need root's rights; run this as root")
        with guest.raising_signals():
            results, stopped = play_takeovers(say)
            checks, more = play_service(say, place)
    except (LabError, NetError, kernel.NoKernelError, machine.GuestError) as error:
        print(f"hactl lab: {error}", file=sys.stderr)
        return 1
    except guest.Interrupted as interrupted:
        return 128 + interrupted.number
    return report(say, results, checks, [*stopped, *more])


def report(say: Teller, results: list[Result], checks: list[Check], stopped: list[str]) -> int:
    """Prints the table and what is wrong, and returns the exit status."""
    print()
    for lines in (table.takeovers(results), list(table.LEGEND), [""], table.checks(checks)):
        print("\n".join(lines))
    complaints = stopped + broken(results, checks)
    complete = len(results) == len(STORIES) and bool(checks)
    late = sum(result.verdict is Verdict.LATE for result in results)
    print()
    for complaint in complaints:
        print(f"NOT AS PROMISED: {complaint}")
    say(
        "everything happened as promised" + (f", {late} later than its target" if late else "")
        if not complaints
        else "failed"
    )
    return 0 if complete and not complaints else 1


if __name__ == "__main__":
    sys.exit(main())
