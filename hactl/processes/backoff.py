"""How long to wait before something that died is started again; core."""

import msgspec

FIRST, LONGEST = 1.0, 60.0
STEADY = 60.0
"""Seconds of life after which a death counts as the first again."""


class Backoff(msgspec.Struct, frozen=True):
    """The wait before the next start, in seconds: none after a first death, then doubling."""

    wait: float = 0.0

    def after_life(self, lived: float) -> "Backoff":
        """Forget former deaths after a life of more than `STEADY` seconds."""
        return Backoff() if lived >= STEADY else self

    def longer(self) -> "Backoff":
        """The wait after one more death."""
        return Backoff(min(LONGEST, self.wait * 2) if self.wait else FIRST)
