"""Rounds of faults on one cluster: each is done, mended, watched until quiet, and judged.

Effects; which faults is `plan`'s word, what they excuse is `rules`'.
"""

import contextlib
import heapq
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from torture import hurts, rules
from torture.ground import Ground, ground
from torture.logs import Log
from torture.places import VIP
from torture.plan import HOLDING, ROUGH, Fault, Round, round_of
from torture.quiet import Loads, lacks
from torture.sight import Done, Sight
from torture.traffic import Traffic
from torture.watch import Asker, Watch, keep

SETTLE_WITHIN = 40.0
START_WITHIN = 120.0
QUIET = 0.7
_TICK = 0.02
_LOOK_EVERY = 0.25
_RESUME_EVERY = 4.0
_LOOKS = 3
"""All must be well at so many looks, one after the other."""
SIGNS = ("Traceback", "never retrieved", "was destroyed", "Fatal error")
Tell = Callable[[dict[str, Any]], None]


class Campaign:
    """One cluster and what has been done to it so far."""

    def __init__(self, cluster: Ground, watch: Watch, folder: Path, tell: Tell) -> None:
        self.ground, self.watch, self.folder, self.tell = cluster, watch, folder, tell
        self.best = cluster.net.directors[0]
        self.loads = Loads()
        self._logs = {name: Log(one.log, SIGNS) for name, one in cluster.directors.items()}

    # ---- a round ------------------------------------------------------------------------------------------------------

    def play(self, plan: Round) -> list[str]:
        """One round; the promises it broke."""
        self.ground.restart_after = plan.restart_after
        self.watch.begin()
        done = self._hurt(plan)
        mended = time.monotonic()
        missing = self._settle(held_back=any(fault.kind in HOLDING for fault in plan.faults))
        settled = time.monotonic()
        self._wait(QUIET)
        sight = self.watch.sight(mended, settled, done)
        broken = missing or rules.judge(sight, self.best)
        broken += [] if missing else self.loads.grown(self.ground)
        broken += self._complaints(plan)
        self._note(plan, sight, broken)
        if broken:
            self._keep(plan, sight, broken)
        return broken

    def settle(self) -> None:
        """Quiet before the first round."""
        missing = self._settle(within=START_WITHIN)
        assert not missing, missing
        self.loads.grown(self.ground)

    def _hurt(self, plan: Round) -> list[Done]:
        """Does and undoes the round's faults at their times."""
        began, order, done = time.monotonic(), itertools.count(), []
        agenda: list[tuple[float, int, Callable[[], None]]] = []

        def do(fault: Fault) -> None:
            at = time.monotonic()
            undo = hurts.begin(self.ground, fault)
            until = max(time.monotonic(), at + fault.lasts)
            heapq.heappush(agenda, (until, next(order), lambda: mend(fault, at, undo)))

        def mend(fault: Fault, at: float, undo: hurts.Undo) -> None:
            undo()
            done.append(Done(fault, at, time.monotonic()))

        for fault in plan.faults:
            heapq.heappush(agenda, (began + fault.at, next(order), lambda fault=fault: do(fault)))  # type: ignore[misc]
        while agenda:
            if agenda[0][0] <= time.monotonic():
                heapq.heappop(agenda)[2]()
            self.ground.tend()
            time.sleep(_TICK)
        return done

    def _settle(self, *, held_back: bool = False, within: float = SETTLE_WITHIN) -> list[str]:
        """Until all is as it must be; what is not when time is up.

        A handover or standby that outlived its director's death is ended by its operator, on whatever director answers.
        """
        self._wait(rules.ANSWERED_WITHIN)
        limit = time.monotonic() + within
        well, ask = 0, time.monotonic() + _RESUME_EVERY
        while well < _LOOKS:
            if held_back and time.monotonic() > ask:
                ask = time.monotonic() + _RESUME_EVERY
                hurts.resume(self.ground)
            missing = lacks(self.ground, self.watch.holders(), self.best)
            well = 0 if missing else well + 1
            if missing and time.monotonic() > limit:
                return [f"not within {within:g} s: {text}" for text in missing]
            self._wait(_LOOK_EVERY)
        return []

    def _wait(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self.ground.tend()
            time.sleep(_TICK)

    # ---- what is kept -------------------------------------------------------------------------------------------------

    def _complaints(self, plan: Round) -> list[str]:
        """Tracebacks in the logs of this round, where no fault of it excuses them."""
        rough = any(fault.kind in ROUGH for fault in plan.faults)
        return [
            f"{name} logged: {what}"
            for name, log in self._logs.items()
            for what in log.complaints(excused=rough)
        ]

    def _note(self, plan: Round, sight: Sight, broken: list[str]) -> None:
        for done in sight.done:
            fault = msgspec.to_builtins(done.fault)
            times = {"began": done.began - sight.begin, "ended": done.ended - sight.begin}
            self.tell({"round": plan.number, "directors": len(plan.directors), **fault, **_rounded(times)})
        figures = {
            "settled_after": sight.settled - sight.mended,
            "two_holders": sight.lasted(VIP, lambda hosts: hosts > 1),
            "no_holder": sight.lasted(VIP, lambda hosts: hosts == 0),
            "client_gap": sight.gap(),
            "stall": sight.stall,
        }
        self.tell({"round": plan.number, "faults": len(sight.done), **_rounded(figures), "broken": broken})

    def _keep(self, plan: Round, sight: Sight, broken: list[str]) -> None:
        folder = self.folder / f"round-{plan.number}"
        folder.mkdir(parents=True, exist_ok=True)
        keep(folder, list(self.watch.record.frames), list(self.watch.record.events))
        story = [
            f"{done.began - sight.begin:8.3f} to {done.ended - sight.begin:8.3f} s  {done.fault}"
            for done in sight.done
        ]
        moves = [f"{span.begin - sight.begin:8.3f} s  {sorted(span.hosts)}" for span in sight.spans(VIP)]
        text = "\n".join(
            [
                "broken:",
                *broken,
                "",
                "faults:",
                *story,
                "",
                "holders:",
                *moves,
                "",
                f"began {sight.begin:.6f}",
            ]
        )
        (folder / "story").write_text(text + "\n")
        for name, director in self.ground.directors.items():
            (folder / f"{name}.log").write_bytes(director.log.read_bytes()[-200_000:])
            with contextlib.suppress(Exception):
                (folder / f"{name}.status").write_text(json.dumps(director.status_or_none(), indent=1))


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def run(
    seed: int,
    numbers: "itertools.count[int] | range",
    directors: tuple[str, ...],
    folder: Path,
    tell: Tell,
    *,
    seconds: float,
    faults: int,
    longest: float = 60.0,
    go_on: bool = False,
) -> int:
    """Rounds until the time or the number of faults is reached; how many rounds broke a promise."""
    failed = count = 0
    limit = time.monotonic() + seconds
    with (
        ground(directors, str(seed)) as cluster,
        Asker(cluster.record) as asker,
        Traffic(cluster.net) as traffic,
    ):
        campaign = Campaign(cluster, Watch(cluster.record, asker, traffic), folder, tell)
        campaign.settle()
        for number in numbers:
            if time.monotonic() > limit or count >= faults:
                break
            plan = round_of(seed, number, directors, longest)
            broken = campaign.play(plan)
            count += len(plan.faults)
            failed += bool(broken)
            if broken and not go_on:
                break
        tell({"highest": {what: load._asdict() for what, load in campaign.loads.highest.items()}})
    return failed
