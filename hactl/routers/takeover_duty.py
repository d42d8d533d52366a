"""What a router's takeover program is due to do, from the router's role and how its runs ended; core.

The law: one run at a time, and what is true when it ends decides the next; a role is done when a run for it ended well. When
all attempts for mastership failed the router is in fault for a while, so that a peer may do better; then it is tried anew.
"""

from enum import StrEnum

from hactl.routers.program_spec import RouterProgram

_NEVER = float("-inf")


class Role(StrEnum):
    """What this director is for the router, as the program is told."""

    MASTER = "master"
    BACKUP = "backup"


class TakeoverSpec(RouterProgram, frozen=True, kw_only=True):
    """The program of one router. Durations are seconds; `every` is the pause between attempts, `rest` the fault's."""

    attempts: int = 3
    every: float = 2.0
    rest: float = 60.0

    @property
    def id(self) -> str:
        """The id of the verdict on it; no check's id has a colon."""
        return f"takeover:{self.router}"


class Duty:
    """That of one router's program."""

    def __init__(self, spec: TakeoverSpec) -> None:
        self.spec = spec
        self.wanted: Role | None = None
        self.fault = ""
        """Why the router is in fault, empty when it is not."""
        self._fault_until = _NEVER
        self._done: Role | None = None
        self._failures = 0
        self._not_before = _NEVER

    def want(self, role: Role) -> None:
        """The router's role. Another one is acted upon at once."""
        if role is not self.wanted:
            self.wanted = role
            self._failures, self._not_before = 0, _NEVER

    def change(self, spec: TakeoverSpec) -> None:
        """A reload: another program, or other addresses, must hear of the role as well."""
        if spec != self.spec:
            self.spec, self._done = spec, None

    @property
    def finished(self) -> bool:
        """Whether the program has done what the role asks for."""
        return self.wanted is self._done

    def due(self, now: float) -> float | None:
        """When something is to be done next: a run, or the end of a fault. None: nothing."""
        ends = [self._fault_until] if self.fault else []
        runs = [] if self._rests() else [max(now, self._not_before)]
        return min(ends + runs, default=None)

    def begin(self, now: float) -> Role | None:
        """What to run now, None for nothing; a fault that has lasted long enough ends here."""
        if self.fault and now >= self._fault_until:
            self.fault = ""
        return None if self._rests() or now < self._not_before else self.wanted

    def ended(self, role: Role, why: str, now: float) -> None:
        """A run for this role ended: well, or badly with these words."""
        self._done = None if why else role
        if not why or role is not self.wanted:
            self._failures = 0
            return
        self._failures += 1
        self._not_before = now + self.spec.every
        if role is Role.MASTER and self._failures >= self.spec.attempts:
            self.fault, self._fault_until = f"{why} ({self._failures} attempts)", now + self.spec.rest
            self._failures = 0

    def _rests(self) -> bool:
        """Whether nothing is to be run: all is done, or mastership has just failed."""
        return self.finished or (bool(self.fault) and self.wanted is Role.MASTER)
