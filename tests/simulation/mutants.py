"""Faults put into the core on purpose: the simulation is worth what it notices.

Owns their list, and how one is put in and taken out again: the text of one function is changed and compiled anew, and its
code takes the place of the old one wherever the function is known. A text that is not there exactly once is refused, so a
mutant cannot outlive the code that it was made for.
"""

import contextlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulation.campaign import attempt
from simulation.fencing import FencingTrial
from simulation.trial import Trial

from failover import backup, burst, election, fencing, group, handing, holding, master, router, timing
from failover.orders import Orders
from failover.peer.liveness import Liveness


@dataclass(frozen=True)
class Mutant:
    """In `function` the text `old` becomes `new`. `seed` is one that caught it when this was written; it is tried first, and
    then all below `within`."""

    name: str
    function: Callable[..., Any]
    old: str
    new: str
    seed: int
    within: int = 2000
    kind: type[Trial] = Trial

    def caught(self) -> tuple[int, str] | None:
        """The first seed that notices it, and what it says."""
        with self.put_in():
            for seed in (self.seed, *range(self.within)):
                failure, _ = attempt(seed, self.kind)
                if failure is not None:
                    return seed, failure.why
        return None

    @contextlib.contextmanager
    def put_in(self) -> Iterator[None]:
        """Meanwhile the core has this fault."""
        code = self.function.__code__
        self.function.__code__ = self._changed().__code__
        try:
            yield
        finally:
            self.function.__code__ = code

    def _changed(self) -> Callable[..., Any]:
        source = textwrap.dedent(inspect.getsource(self.function))
        if source.count(self.old) != 1:
            raise LookupError(
                f"{self.name}: {source.count(self.old)} times in {self.function.__qualname__}: {self.old}"
            )
        source = source.replace(self.old, self.new).removeprefix("@property\n")
        known = dict(inspect.unwrap(self.function).__globals__)
        exec(compile(source, self.function.__code__.co_filename, "exec"), known)
        changed: Callable[..., Any] = known[self.function.__name__]
        return changed


Election, Router, Burst = election.Election, router.Router, burst.Burst

MUTANTS = (
    Mutant("skew time off by one", timing.skew_time, "return (256 - priority)", "return (255 - priority)", 0),
    Mutant(
        "skew time the wrong way round", timing.skew_time, "return (256 - priority)", "return priority", 0
    ),
    Mutant(
        "one missed advert less",
        timing.master_down,
        "return down_after * interval",
        "return (down_after - 1) * interval",
        3,
    ),
    Mutant(
        "one missed advert more",
        timing.master_down,
        "return down_after * interval",
        "return (down_after + 1) * interval",
        20,
    ),
    Mutant(
        "of equals both win",
        Router.outranks,
        "(self.priority, self.address) >= (advert.priority, source)",
        "self.priority >= advert.priority",
        3,
    ),
    Mutant(
        "of equals the lower address wins",
        Router.outranks,
        "(self.priority, self.address) >= (advert.priority, source)",
        "(self.priority, source) >= (advert.priority, self.address)",
        3,
    ),
    Mutant(
        "of equals none wins",
        Router.outranks,
        ">= (advert.priority, source)",
        ">= (advert.priority + 1, source)",
        3,
    ),
    Mutant("forgotten lease", holding.take, "[HoldAddresses(lease, ", "[HoldAddresses(0, ", 0),
    Mutant("forgotten renewal", holding.take, "renewal_after(now, lease) if lease", "now + 9e9 if lease", 2),
    Mutant("no priority 0", holding.begin_release, "for offset in RELEASE_OFFSETS", "for offset in ()", 16),
    Mutant("a release is not heeded", backup.receive, "min(router.down_at, skewed)", "router.down_at", 146),
    Mutant(
        "a losing advert is not answered",
        master._assert_mastership,
        "actions += advertise(router, now)",
        "pass",
        2,
    ),
    Mutant("preempt: false is ignored", backup._yields, "if not router.spec.preempt:", "if False:", 56),
    Mutant(
        "equals preempt",
        backup._yields,
        "advert.priority >= router.priority",
        "advert.priority > router.priority",
        3,
    ),
    Mutant("nobody preempts", backup._yields, "if not router.spec.preempt:", "if True:", 11),
    Mutant("preempt_delay is ignored", backup._yields, "now < router.preempt_at", "False", 6),
    Mutant("startup_delay is ignored", backup.wake, "if now < router.part_from:", "if False:", 2),
    Mutant("standby is in a hurry", Router.master_down_from, "self.standby is Standby.OFF", "True", 216),
    Mutant("a hold is ignored", Router.holds_back, "if self.hold_until is None", "if True", 23),
    Mutant("a hold is not told to others", Orders.hold_back, "if running is not None:", "if False:", 360),
    Mutant("a VIP is never given up", holding.let_go_soon, "if router.holding:", "if False:", 2),
    Mutant(
        "break before make",
        Election._begin_release,
        "holding.begin_release(router, now)",
        "holding.begin_release(router, now); return holding.drop(router)",
        15,
    ),
    Mutant("no successor, no master", holding._nobody_succeeded, "if not router.releasing:", "if True:", 131),
    Mutant(
        "a backup that yielded does not listen",
        master._stand_down,
        "router.down_at = now + router.master_down_from(router.master_interval)",
        "router.down_at = None",
        46,
    ),
    Mutant(
        "the winner stops announcing first",
        master._announce_again,
        "now + lasts",
        "now",
        7,
    ),
    Mutant(
        "a stale master is believed",
        master.receive,
        "now - router.last_sent > router.dead_time()",
        "False",
        185,
    ),
    Mutant(
        "the giver lets go on its own word",
        handing.begin,
        "return [SendAdvert(router.priority)]",
        "return [SendAdvert(router.priority), *holding.drop(router)]",
        45,
    ),
    Mutant("anybody's word hastens", backup.hasten, "or heard.address != source", "", 182),
    Mutant("whoever hears adverts is alone", Router.hears_somebody, "self.heard is not None", "False", 135),
    Mutant(
        "a group does not wait",
        group.settle,
        "return {name: Order.GRANT for name, m in members.items() if m.wanting and not m.awaiting}",
        "return {}",
        6,
    ),
    Mutant(
        "a group does not yield",
        group.settle,
        "return dict.fromkeys(going, Order.YIELD_TOLD if told else Order.YIELD)",
        "return {}",
        2480,
    ),
    Mutant(
        "a taker is ready too early",
        handing.asked,
        "return master.take_over(router, Cause.ASKED, now)",
        "return [*master.take_over(router, Cause.ASKED, now), Ready()]",
        4664,
    ),
    Mutant(
        "a stall is not judged",
        holding.woken_from_stall,
        "_has_lapsed(router, now)",
        "False",
        1128,
    ),
    Mutant(
        "a peer is dead at once",
        Liveness._silent,
        "return now - heard >= self._dead_time",
        "return now - heard >= self._beat",
        3,
    ),
    Mutant(
        "a lost priority is forgotten",
        Election.set_priority,
        "old, router.priority = router.priority, effective",
        "old = router.priority",
        149,
    ),
    Mutant(
        "nobody is fenced",
        fencing.is_due,
        "spec is None or fence.cleared",
        "True or fence.cleared",
        3,
        kind=FencingTrial,
    ),
    Mutant(
        "a fencing that failed is good enough",
        fencing.ended,
        "if failure and spec.required:",
        "if False:",
        6,
        kind=FencingTrial,
    ),
    Mutant(
        "a silent master is taken for one that is preempted",
        fencing._is_preempted,
        "return router.master_lives(now) and not router.hastened",
        "return router.heard is not None",
        24,
        kind=FencingTrial,
    ),
    Mutant(
        "whom an earlier daemon heard is forgotten",
        fencing.victim,
        "else router.fence.known",
        'else b""',
        51,
        kind=FencingTrial,
    ),
)
