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
        self._due = [now + offset for offset in spec.burst]
        self.prolong(now, insist_until, INSIST_EVERY)

    def prolong(self, now: float, until: float, every: float) -> None:
        """Announce every `every` seconds besides, from the last announcement planned so far, until `until` has passed."""
        later = [at for at in self._due if at > until]
        planned = [at for at in self._due if at <= until]
        last = planned[-1] if planned else now
        while last < until and not (later and last + every > later[0]):
            last += every
            planned.append(last)
        self._due = planned + later

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
