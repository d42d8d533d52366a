"""One check at work: starts its probe when due, ends it at the deadline, counts the result.

Its law: at any time it waits for its next start, waits for a free place, or has one probe under way; each probe
ends in exactly one result within the timeout, time during which this process stood still not counted.
"""

import math
from time import monotonic
from typing import Protocol

from health.blots import blotted
from health.dialogue import AnyPlan
from health.errors import internal_error, says_nothing
from health.hints import taken
from health.need import Before, conclude
from health.places import Places
from health.probes.registry import Carriers, Running
from health.result import End, Health, Result, Transition, merged
from health.schedule import START_SPREAD, again_due, common_due, first_due, first_wait, interval, next_due
from health.spec import AgentProbe, CheckSpec
from health.verdict import UNKNOWN, Verdict, observe, transition
from health.wheel import Wheel
from health.wire.agent import standing

STALL = 0.25
"""Seconds of lateness of this process after which a probe gets its time anew."""
ANEW = 3
"""How often one probe gets it: a process that is late all the time would otherwise never find a silent server."""


class Around(Protocol):
    """What a checker asks of its pool."""

    carriers: Carriers
    secrets: dict[str, str]
    wheel: "Wheel[Checker]"
    """Calls a checker's `woken` at the time that was asked for, in monotonic seconds."""

    def ended(self, checker: "Checker", result: Result, change: Transition | None) -> None:
        """A probe has ended: its result stands in the checker."""

    def repeated(self, checker: "Checker") -> None:
        """A probe has passed just as the one before: its times stand in the checker."""

    def checker(self, check: str) -> "Checker | None":
        """The checker with this id."""

    def held(self, checker: "Checker") -> None:
        """A probe was left out because what it depends on is down."""


class Checker:
    """A check with its counters and clock. No task and no timer of its own, so thousands of these are cheap."""

    __slots__ = (
        "_anew",
        "_due",
        "_end",
        "_pool",
        "_running",
        "_started",
        "_together",
        "_wake",
        "_within",
        "at",
        "elapsed",
        "held",
        "id",
        "pass_began",
        "places",
        "plan",
        "result",
        "spec",
        "verdict",
    )

    def __init__(
        self, spec: CheckSpec, plan: AnyPlan, pool: Around, places: Places, within: float = START_SPREAD
    ) -> None:
        """`within`: the first probe starts within so many seconds, or the interval."""
        self.spec = spec
        self.id = spec.id
        self.verdict: Verdict = UNKNOWN
        self.result: Result | None = None
        self.at = 0.0
        self.elapsed = 0.0
        self._end: End | None = None
        self.pass_began = 0.0
        self.held = False
        self.plan = plan
        self.places = places
        self._pool = pool
        self._running: Running | None = None
        self._anew = 0
        self._started = 0.0
        self._wake = math.inf
        self._together = spec.together
        self._within: float | None = within
        self._due = first_due(self.id, spec, monotonic(), within)
        self._sleep_until(self._due)

    @property
    def running(self) -> bool:
        """Whether a probe is under way."""
        return self._running is not None

    def woken(self, now: float) -> None:
        """Start, or judge the deadline; a wake-up from before our plans changed is too early and ignored."""
        if now < self._wake:
            return
        if self._running is not None:
            self._deadline(self._running, now)
        elif self.spec.need is not None and self._is_held():
            self._due = self._next(self.spec.interval, now)
            self._sleep_until(self._due)
            self._pool.held(self)
        elif self.places.take(self):
            self.start()
        else:
            self._wake = math.inf

    def start(self) -> None:
        """Begin a probe now; the pool has given a place."""
        self._started = started = monotonic()
        self._anew = 0
        spec, pool = self.spec, self._pool
        try:
            self._running = running = pool.carriers.probe(self.plan, self._ended, None, spec.origin)
            end = running.start()
        except Exception as error:  # noqa: BLE001 - shown in the result, counted by the pool
            end = internal_error(error)
        if end is not None:
            self._ended(end)
        else:
            self._wake = deadline = started + spec.timeout
            pool.wheel.add(deadline, self)

    @property
    def due(self) -> float:
        """When the next probe starts by itself."""
        return self._due

    @property
    def waits(self) -> bool:
        """Whether the first probe may still begin early."""
        return not (self._started or self._together or self._wake == math.inf)

    def begin(self) -> None:
        """Start the first probe in the next turn."""
        self._due = monotonic()
        self._sleep_until(self._due)

    def hurry(self, hint: Health) -> None:
        """Probe at once, having heard that the host is likely down or up; not if that is known, nor too often."""
        now = monotonic()
        waiting = self._running is None and now < self._wake < math.inf
        if waiting and taken(hint, self.verdict) and now - self._started >= self.spec.fast_interval:
            self._due = now
            self._sleep_until(now)

    def forget(self) -> None:
        """The next result is news, whatever it is."""
        self._end = None

    def stop(self) -> None:
        """End everything without a result."""
        self._wake = math.inf
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _sleep_until(self, when: float) -> None:
        self._wake = when
        self._pool.wheel.add(when, self)

    def _deadline(self, running: Running, now: float) -> None:
        late = now - self._wake
        # After a stall of this process the answer may have been waiting for us, not we for the answer,
        self._pool.carriers.poller.drain()
        if self._running is not running:
            return
        if late > STALL and self._anew < ANEW:
            # and a server that has only now heard our request has its full time to answer.
            self._anew += 1
            self._sleep_until(now + self.spec.timeout)
        else:
            self._ended(running.expire())

    def _ended(self, end: End) -> None:
        now = monotonic()
        self._running = None
        if end is self._end or end == self._end:
            self._passed_again(now)
        else:
            self._concluded(end, now)
        self.places.free()

    def _passed_again(self, now: float) -> None:
        """What nearly every probe of a healthy cluster comes to, and so the shortest way."""
        pool, every = self._pool, self.spec.interval
        self.at, self.elapsed, self.pass_began = now, now - self._started, self._started
        due = self._due + every
        if due <= now or self._within is not None or self._together:
            due = self._next(every, now)
        self._due = self._wake = due
        pool.wheel.add(due, self)
        pool.repeated(self)

    def _concluded(self, end: End, now: float) -> None:
        spec, before, told = self.spec, self.verdict, end
        if isinstance(spec.probe, AgentProbe):
            end = standing(end, before.health)
            said = self.result.advice if self.result is not None else None
            end = end._replace(advice=merged(said, end.advice))
        result = blotted(end, self._pool.secrets.values()).result(now - self._started)
        after, ask = before, False
        if not says_nothing(told):
            after = observe(before, result.passed, spec.rise, spec.fall, now, spec.damping)
        if spec.need is not None:
            after, ask, self.held = conclude(before, after, result.passed, self._before(), now)
        self.result, self.at, self.elapsed, self.verdict = result, now, result.elapsed, after
        # The same again will mean the same, where nothing but this check's own verdict has a say in it.
        is_plain = end is told and spec.need is None and result.passed and after.settled
        self._end = told if is_plain else None
        if result.passed:
            self.pass_began = self._started
        every = interval(spec, after)
        changing = not (result.passed or after.settled or after.damped or self._together)
        self._due = again_due(self._due, every, now) if changing else self._next(every, now)
        self._sleep_until(self._due)
        self._pool.ended(self, result, transition(self.id, before, after, result, now))
        if ask and (needed := self._needed()) is not None:
            needed.hurry(Health.UNKNOWN)

    def _next(self, every: float, now: float) -> float:
        if self._together:
            return common_due(self._together, every, now)
        if self._within is not None and every >= self.spec.interval:
            every, self._within = first_wait(self.id, every, self._within), None
        return next_due(self._due, every, now)

    def _needed(self) -> "Checker | None":
        """What this check depends on."""
        return None if self.spec.need is None else self._pool.checker(self.spec.need.check)

    def _before(self) -> Before | None:
        needed = self._needed()
        return None if needed is None else Before(needed.verdict, needed.pass_began)

    def _is_held(self) -> bool:
        """Whether this probe is left out."""
        need, before = self.spec.need, self._before()
        self.held = need is not None and need.skip and before is not None and before.is_down
        return self.held
