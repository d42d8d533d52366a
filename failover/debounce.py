"""A fault that must last before it counts, and must be gone for a while before it is forgotten.

Owns `link_delay`. A fault is a sentence, None is no fault; times are monotonic seconds.
"""


class Debounce:
    """The settled fault; `offer` what is seen now, and ask `deadline` when to offer it again."""

    def __init__(self, up_delay: float, down_delay: float) -> None:
        self._up_delay = up_delay
        self._down_delay = down_delay
        self._settled: str | None = None
        self._at: float | None = None
        self._fresh = True

    def offer(self, fault: str | None, now: float) -> str | None:
        """Take the present fault and return the settled one. The first offer settles at once."""
        if self._fresh or (fault is None) == (self._settled is None):
            self._fresh = False
            self._settled, self._at = fault, None
            return fault
        if self._at is None:
            self._at = now + (self._up_delay if fault is None else self._down_delay)
        if now >= self._at:
            self._settled, self._at = fault, None
        return self._settled

    def with_delays(self, up_delay: float, down_delay: float) -> "Debounce":
        """One of other delays for which the same is settled; a change under way begins anew."""
        other = Debounce(up_delay, down_delay)
        other._settled, other._fresh = self._settled, self._fresh
        return other

    def deadline(self) -> float | None:
        """When an offered change settles, None when there is none under way."""
        return self._at
