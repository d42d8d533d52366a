"""Dependencies: a check whose failures say nothing while another check is down.

The law: no target falls for a fault of what lies before it. While that is down the verdict stands; and a fall waits until
what lies before was seen passing since the failures began, because it may only not have been found out yet.
"""

from typing import NamedTuple

import msgspec

from health.result import Health
from health.verdict import Verdict


class Before(NamedTuple):
    """What a check depends on: its verdict, and when the last probe that passed began (monotonic seconds): one that began
    before a failure was seen knows nothing of it."""

    verdict: Verdict
    pass_began: float

    @property
    def is_down(self) -> bool:
        """Whether it is known to be down."""
        return self.verdict.health is Health.DOWN


class Conclusion(NamedTuple):
    """A verdict. `ask`: what lies before is to be probed at once. `held`: it is down, nothing was concluded."""

    verdict: Verdict
    ask: bool = False
    held: bool = False


def conclude(old: Verdict, new: Verdict, passed: bool, before: Before | None, now: float) -> Conclusion:
    """The verdict after a result at `now` that alone would have made `new` of `old`."""
    if passed or before is None or old.health is Health.DOWN:
        return Conclusion(new)
    if before.is_down:
        return Conclusion(msgspec.structs.replace(old, against=0, since=0.0), held=True)
    began = old.since if old.against else now
    if new.health is not Health.DOWN or before.pass_began > began:
        return Conclusion(new)
    return Conclusion(msgspec.structs.replace(old, against=max(1, old.against), since=began), ask=True)
