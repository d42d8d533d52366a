"""Which counters were taken already (the anti-replay window of RFC 4303 section 3.4.3, wide enough for several links)."""

SIZE = 1024
"""Counters remembered below the highest; older ones are refused unseen."""
_MASK = (1 << SIZE) - 1


class Window:
    """The counters taken in one session. Each is taken once, in any order, at most SIZE behind the highest."""

    def __init__(self) -> None:
        self.highest = 0
        self._seen = 0

    def take(self, counter: int) -> bool:
        """Take a counter; False when it was taken before or is too old to know."""
        ahead = counter - self.highest
        if ahead > 0:
            self._seen = 1 if ahead >= SIZE else ((self._seen << ahead) | 1) & _MASK
            self.highest = counter
            return True
        if ahead <= -SIZE or counter <= 0 or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True
