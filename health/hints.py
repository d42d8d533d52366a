"""Passive hints: what one check, or the kernel, has noticed about a host, so that others need not wait for their turn.

The law: a hint never is a result. It only makes a probe start earlier, at most once a fast interval for each check.
"""

from enum import StrEnum

from health.result import Health, Reason, Result, Transition
from health.verdict import Verdict


class Scope(StrEnum):
    """Whom a hint concerns: the checks of the same port, or of the same host."""

    PORT = "port"
    HOST = "host"


_TELLING = {
    Reason.CONNECT_REFUSED: Scope.PORT,
    Reason.CONNECT_UNREACHABLE: Scope.HOST,
    Reason.CONNECT_TIMEOUT: Scope.HOST,
    Reason.NO_REPLY: Scope.HOST,
}


def given(result: Result, verdict: Verdict, change: Transition | None) -> Scope | None:
    """What the result of a check tells the others: its first failure of a kind that may be theirs too, or its return."""
    if result.passed:
        returned = change is not None and change.old is Health.DOWN
        return Scope.HOST if returned else None
    news = change is not None or (verdict.against == 1 and verdict.health is not Health.DOWN)
    return _TELLING.get(result.reason) if news else None


def taken(hint: Health, verdict: Verdict) -> bool:
    """Whether a check of this verdict probes at once, hearing that a host is likely down, or up again."""
    return verdict.health is not hint
