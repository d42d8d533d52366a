"""How many events go into one delivery after refusals, and when what is refused is lost; core.

The law: a refusal may be of one event among many, or of their number. So what is refused goes on in smaller portions, until
few enough are left to be lost; only where nothing at all is taken, more and more go at a time.
"""

import msgspec

REFUSALS = 5
"""Refusals of the same oldest event after which the delivery that it is in is lost."""
ALL = 1 << 30
SMALLER = 4
"""By how much a portion is smaller after a refusal: a thousand events are three at the last."""


class Portion(msgspec.Struct, frozen=True):
    """At most `most` events in the next delivery; `times` the oldest of them, `head`, was refused. `nothing` was taken since
    the last loss."""

    most: int = ALL
    head: str = ""
    times: int = 0
    nothing: bool = False


def taken(portion: Portion) -> Portion:
    """A delivery has succeeded."""
    return Portion(min(ALL, 2 * portion.most))


def refused(portion: Portion, head: str, number: int) -> tuple[Portion, bool]:
    """A delivery of so many events, the oldest of them `head`, was refused; whether they are lost."""
    times = portion.times + 1 if head == portion.head else 1
    if times >= REFUSALS:
        most = min(ALL, portion.most * SMALLER**2) if portion.nothing else portion.most
        return Portion(most, nothing=True), True
    most = portion.most if portion.nothing else max(1, number // SMALLER)
    return Portion(most, head, times, portion.nothing), False
