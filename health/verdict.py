"""From results to a verdict: rise and fall counting.

Its law: one result gives one next verdict, by nothing but the verdict before and the counts asked for. A server is
up after its first passed check, because unknown is no reason to keep it out; it is down only after `fall` failures
in a row, of whatever reasons, because unknown is no reason for removal either.
"""

import msgspec

from health.result import Health, Result, Transition


class Verdict(msgspec.Struct, frozen=True):
    """What is believed of a target, and how many results in a row spoke against it since."""

    health: Health = Health.UNKNOWN
    against: int = 0

    @property
    def settled(self) -> bool:
        """Whether the last result agreed with a known verdict; until then probes run at the fast interval."""
        return self.against == 0 and self.health is not Health.UNKNOWN


UNKNOWN = Verdict()
_UP = Verdict(Health.UP)
_DOWN = Verdict(Health.DOWN)


def observe(verdict: Verdict, passed: bool, rise: int, fall: int) -> Verdict:
    """The verdict after one more result: from down to up by `rise` passes in a row, to down by `fall` failures."""
    if passed:
        if verdict.health is not Health.DOWN or verdict.against + 1 >= rise:
            return _UP
    else:
        if verdict.health is Health.DOWN:
            return _DOWN
        if verdict.against + 1 >= fall:
            return _DOWN
    return Verdict(verdict.health, verdict.against + 1)


def transition(check: str, before: Verdict, after: Verdict, result: Result, at: float) -> Transition | None:
    """What to tell of a step from one verdict to the next; None when the health stayed."""
    if before.health is after.health:
        return None
    return Transition(check=check, old=before.health, new=after.health, result=result, at=at)
