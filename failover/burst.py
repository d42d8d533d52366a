"""When to announce: a burst after a takeover, insistence while a dead master may still answer, then a refresh.

Owns the plan as deadlines (monotonic seconds); whoever asks must still hold the addresses at each one.
"""

from failover.spec import AnnounceSpec

INSIST_EVERY = 0.5


class Burst:
    """The announcements still to come. `insist_until` prolongs the burst: the kernel of a director that died without
    a release answers ARP for the VIP until its lease ends."""

    def __init__(self, spec: AnnounceSpec, now: float, insist_until: float = 0.0) -> None:
        self._spec = spec
        offsets = [now + offset for offset in spec.burst]
        last = offsets[-1] if offsets else now
        while last < insist_until:
            last += INSIST_EVERY
            offsets.append(last)
        self._due = offsets

    def deadline(self) -> float | None:
        """When the next announcement is due, None for never again."""
        return self._due[0] if self._due else None

    def take(self, now: float) -> bool:
        """Whether an announcement is due now; if so it and all others already due count as made."""
        if not self._due or self._due[0] > now:
            return False
        while self._due and self._due[0] <= now:
            self._due.pop(0)
        if not self._due and self._spec.refresh > 0:
            self._due.append(now + self._spec.refresh)
        return True
