"""All checks of one worker on one event loop.

Its law: a new set of checks keeps the counters and clocks of those that did not change; never more probes are
under way than there are descriptors for; what a probe met is told once.
"""

import asyncio
import math
import resource
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from health.checker import Checker
from health.dialogue import AnyPlan, ProbeError, ProgramPlan
from health.errors import says_nothing
from health.hints import Scope, given
from health.places import Places
from health.probes.calls import Calls
from health.probes.local import Looks
from health.probes.ping import Pings, PingSocket
from health.probes.poller import Poller
from health.probes.program import RunProgram
from health.probes.registry import Carriers, kit, plan
from health.probes.tls import Contexts
from health.result import Health, Outcome, Reason, Repeats, Result, Transition
from health.schedule import start_spread
from health.spec import CheckSpec, HealthSpec
from health.starts import Starts
from health.wheel import Wheel

RESERVED_DESCRIPTORS = 64
"""Descriptors left for everything that is no probe."""
PROGRAMS = 32
"""Programs of the operator's under way at a time; further ones wait for their turn."""
TELL_EVERY = 0.02
"""Seconds between two tellings while verdicts change in numbers: what hears of them looks at whole services each time."""
MOST_HINTED = 50
"""Checks that a hint makes probe at once."""


class Generation(NamedTuple):
    """A set of checks ready to be put to work: `plans` of those that are new, `secrets` of all."""

    spec: HealthSpec
    secrets: Mapping[str, str]
    plans: dict[CheckSpec, AnyPlan]
    warnings: tuple[str, ...]


class Applied(NamedTuple):
    """How many checks a new set kept, started and stopped."""

    kept: int
    started: int
    stopped: int


class Counts(msgspec.Struct):
    """What this pool has done since it was made. `undecided` could not begin: this host is out of what they need."""

    probes: int = 0
    failed: int = 0
    internal_errors: int = 0
    undecided: int = 0


class Pool:
    """Runs checks. `on_transitions` gets a changed verdict in the next turn of the loop; many, a few times a second."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        agent: str,
        on_transitions: Callable[[tuple[Transition, ...]], None],
        capacity: int | None = None,
        *,
        run_program: RunProgram | None = None,
        ping_sockets: Mapping[int, PingSocket | str] = MappingProxyType({}),
    ) -> None:
        self._loop = loop
        poller = Poller(loop)
        pings = Pings(poller, ping_sockets)
        calls = Calls(loop, run_program)
        self.carriers = Carriers(poller, Contexts(), Looks(loop), pings, calls, run_program)
        self.counts = Counts()
        descriptors = descriptor_limit() - RESERVED_DESCRIPTORS if capacity is None else capacity
        self._places = Places(descriptors, loop.call_soon)
        self._program_places = Places(PROGRAMS, loop.call_soon)
        self.secrets: dict[str, str] = {}
        self._kit = kit(agent, self.secrets)
        self._on_transitions = on_transitions
        self._checkers: dict[CheckSpec, Checker] = {}
        self._by_id: dict[str, Checker] = {}
        self._by_host: dict[str, list[Checker]] = {}
        self._after: dict[str, list[Checker]] = {}
        self._transitions: list[Transition] = []
        self._telling: asyncio.Handle | None = None
        self._told_at = -math.inf
        self._fresh: dict[str, Checker] = {}
        self._repeated: dict[str, Checker] = {}
        self._starts = Starts()
        self.wheel: Wheel[Checker] = Wheel(self._sooner)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def prepare(self, spec: HealthSpec, secrets: Mapping[str, str] | None = None) -> Generation:
        """Make ready what is new, changing nothing. Raises ProbeError on a check that can never run.

        `secrets` maps the secret files that checks name to their content. What this host lacks today (an unreadable
        file, too few descriptors) is a warning: such checks fail.
        """
        plans = {check: self._plan(check) for check in spec.checks if check not in self._checkers}
        warnings = {fault for made in plans.values() if (fault := self.carriers.fault(made))}
        if len(spec.checks) > self._places.capacity:
            warnings.add(
                f"{len(spec.checks)} checks but descriptors for {self._places.capacity} probes at a time"
                " (RLIMIT_NOFILE): when many servers are silent, probes start late"
            )
        return Generation(spec, secrets or {}, plans, tuple(sorted(warnings)))

    def apply(self, generation: Generation) -> Applied:
        """Put a prepared set to work: stop what is gone, start what is new, leave the rest alone.

        A changed secret is no changed check: its next probe uses it. The next result of each check is told in full.
        """
        self.secrets.clear()
        self.secrets.update(generation.secrets)
        wanted = dict.fromkeys(generation.spec.checks)
        gone = [check for check in self._checkers if check not in wanted]
        for check in gone:
            self._stop(self._checkers.pop(check))
        new = [check for check in wanted if check not in self._checkers]
        for check in new:
            made = generation.plans.get(check) or self._plan(check)
            places = self._program_places if isinstance(made, ProgramPlan) else self._places
            self._checkers[check] = Checker(check, made, self, places, start_spread(check.interval, len(new)))
        if gone or new:
            self._index()
            begun = [self._checkers[check] for check in new]
            self._starts.expect(each for each in begun if each.places is self._places)
        for checker in self._checkers.values():
            checker.forget()
        return Applied(len(wanted) - len(new), len(new), len(gone))

    def outcomes(self) -> tuple[Outcome, ...]:
        """The latest results that are news, of the checks that ran since this was last asked."""
        fresh, self._fresh = self._fresh, {}
        return tuple(
            Outcome(
                check=checker.id,
                health=checker.verdict.health,
                result=checker.result,
                at=checker.at,
                damped=checker.verdict.damped,
                held=checker.held,
            )
            for checker in fresh.values()
            if checker.result is not None
        )

    def repeats(self) -> Repeats:
        """The checks that only passed again since this was last asked; to be told after the news."""
        again, self._repeated = self._repeated.values(), {}
        return Repeats(
            tuple([checker.id for checker in again]),
            tuple([checker.at for checker in again]),
            tuple([checker.elapsed for checker in again]),
        )

    def close(self) -> None:
        """Stop all checks without a result."""
        for waiting in (self._timer, self._telling):
            if waiting is not None:
                waiting.cancel()
        for checker in self._checkers.values():
            self._stop(checker)
        self._checkers.clear()
        self.carriers.poller.close()

    def ended(self, checker: Checker, result: Result, change: Transition | None) -> None:
        """Count a result, and tell of a changed verdict soon."""
        counts = self.counts
        counts.probes += 1
        if not result.passed:
            counts.failed += 1
            counts.internal_errors += result.reason is Reason.INTERNAL_ERROR
            counts.undecided += says_nothing(result)
        else:
            self._starts.passed(self._places.taken)
        self._fresh[checker.id] = checker
        self._repeated.pop(checker.id, None)
        if change is not None or not result.passed:
            self._spread(checker, result, change)
        if change is not None:
            self._transitions.append(change)
            self._tell_soon()

    def repeated(self, checker: Checker) -> None:
        """Count a result that is no news."""
        self.counts.probes += 1
        self._repeated[checker.id] = checker

    @property
    def waited(self) -> int:
        """How many probes had to wait for a place so far."""
        return self._places.waited + self._program_places.waited

    def checker(self, check: str) -> Checker | None:
        """The checker with this id."""
        return self._by_id.get(check)

    def held(self, checker: Checker) -> None:
        """A probe was left out because what it depends on is down: status shows it."""
        self._fresh[checker.id] = checker

    def gone(self, address: str) -> None:
        """The kernel says that this host does not answer: who checks it probes at once."""
        for checker in self._by_host.get(address, ()):
            checker.hurry(Health.DOWN)

    def _spread(self, checker: Checker, result: Result, change: Transition | None) -> None:
        """Let others know what a result says about their target too."""
        scope = given(result, checker.verdict, change)
        if scope is not None:
            hint = Health.UP if change is not None and change.new is Health.UP else Health.DOWN
            for other in self._by_host.get(checker.spec.address, ()):
                if other is not checker and (scope is Scope.HOST or other.spec.port == checker.spec.port):
                    other.hurry(hint)
        if change is not None and change.new is Health.UP:
            for other in self._after.get(checker.id, ())[:MOST_HINTED]:
                other.hurry(Health.UNKNOWN if other.held else other.verdict.health)

    def _index(self) -> None:
        self._by_id = {checker.id: checker for checker in self._checkers.values()}
        self._by_host, self._after = {}, {}
        for checker in self._checkers.values():
            if checker.spec.address:
                self._by_host.setdefault(checker.spec.address, []).append(checker)
            if checker.spec.need is not None:
                self._after.setdefault(checker.spec.need.check, []).append(checker)
        # Where very many checks share an address it is no single server, and all of them at once would be a storm.
        self._by_host = {host: some for host, some in self._by_host.items() if len(some) <= MOST_HINTED}

    def _plan(self, check: CheckSpec) -> AnyPlan:
        try:
            return plan(check, self._kit)
        except ProbeError as error:
            raise ProbeError(f"{check.address} port {check.port}: {error}") from error

    def _sooner(self, when: float) -> None:
        if when < self._timer_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        when = self.wheel.next
        self._timer = None if when is None else self._loop.call_at(when, self._turn)
        self._timer_at = math.inf if when is None else when

    def _turn(self) -> None:
        """Wake whom it is time for."""
        now = time.monotonic()
        self._timer_at = -math.inf  # Set once, after all of them.
        self._starts.turn()
        try:
            for checker in self.wheel.due(now):
                checker.woken(now)
        finally:
            self._set_timer()

    def _tell_soon(self) -> None:
        if self._telling is not None:
            return
        when = self._told_at + TELL_EVERY
        is_over = when <= time.monotonic()
        self._telling = self._loop.call_soon(self._tell) if is_over else self._loop.call_at(when, self._tell)

    def _tell(self) -> None:
        told, self._transitions = tuple(self._transitions), []
        self._telling, self._told_at = None, time.monotonic()
        self._on_transitions(told)

    def _stop(self, checker: Checker) -> None:
        under_way = checker.running
        checker.stop()
        self._fresh.pop(checker.id, None)
        self._repeated.pop(checker.id, None)
        checker.places.leave(checker)
        if under_way:
            checker.places.free()


def descriptor_limit() -> int:
    """How many descriptors this process may hold."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
