"""From results to a verdict: rise and fall counting, and damping of what rises and falls too often.

Its law: one result gives one next verdict, by nothing but the verdict before, the counts asked for and the time. A server is
up after its first passed check, because unknown is no reason to keep it out; it is down only after `fall` failures
in a row, of whatever reasons, because unknown is no reason for removal either.
"""

import msgspec

from health.result import Health, Result, Transition
from health.spec import Damping

LASTING = 1000
"""Failures in a row beyond which they are no longer counted."""


class Verdict(msgspec.Struct, frozen=True):
    """What is believed of a target, and how many results in a row spoke against it since `since` (monotonic seconds).

    `lasting`: failures in a row while it is down. `falls`: when it fell lately, kept only where damping asks.
    `damped`: it fell too often, and rises only after passing for a while.
    """

    health: Health = Health.UNKNOWN
    against: int = 0
    since: float = 0.0
    lasting: int = 0
    falls: tuple[float, ...] = ()
    damped: bool = False

    @property
    def settled(self) -> bool:
        """Whether the last result agreed with a known verdict; until then probes run at the fast interval."""
        return self.against == 0 and self.health is not Health.UNKNOWN


UNKNOWN = Verdict()


def observe(
    verdict: Verdict, passed: bool, rise: int, fall: int, now: float = 0.0, damping: Damping | None = None
) -> Verdict:
    """The verdict after one more result at `now`: from down to up by `rise` passes in a row, to down by `fall` failures."""
    if passed is (verdict.health is Health.UP) and verdict.health is not Health.UNKNOWN:
        return _agreed(verdict)
    against, since = verdict.against + 1, verdict.since if verdict.against else now
    if passed and verdict.health is Health.UNKNOWN:
        return Verdict(Health.UP)
    if passed and against >= rise and not _holds(verdict, now - since, damping):
        return Verdict(Health.UP, falls=verdict.falls)
    if not passed and against >= fall:
        return _fallen(verdict, now, damping)
    return msgspec.structs.replace(verdict, against=against, since=since, lasting=0)


def _agreed(verdict: Verdict) -> Verdict:
    if verdict.health is Health.UP:
        return verdict if not verdict.against else Verdict(Health.UP, falls=verdict.falls)
    lasting = min(verdict.lasting + 1, LASTING)
    return Verdict(Health.DOWN, lasting=lasting, falls=verdict.falls, damped=verdict.damped)


def _holds(verdict: Verdict, passed_for: float, damping: Damping | None) -> bool:
    return damping is not None and verdict.damped and passed_for < damping.hold


def _fallen(verdict: Verdict, now: float, damping: Damping | None) -> Verdict:
    if damping is None:
        return Verdict(Health.DOWN)
    falls = (*(at for at in verdict.falls if at > now - damping.within), now)[-damping.falls :]
    return Verdict(Health.DOWN, falls=falls, damped=len(falls) >= damping.falls)


def transition(check: str, before: Verdict, after: Verdict, result: Result, at: float) -> Transition | None:
    """What to tell of a step from one verdict to the next; None when the health stayed."""
    if before.health is after.health:
        return None
    return Transition(
        check=check,
        old=before.health,
        new=after.health,
        result=result,
        at=at,
        since=before.since if before.against else at,
        damped=after.damped,
    )
