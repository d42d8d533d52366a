"""Whether a peer lives, from the proven packets heard on each link.

The law: only a proven packet keeps a peer or a link up. A peer is down when it is silent on every link, a link alone is
an alarm. Where silence proves nothing the peer is unknown, never down: none of our own links works, it was not listened
for long enough, or packets of its keep coming that prove nothing (it may not hear us, or have another key). When we
ourselves were late, patience is widened before anybody is accused, up to three dead times.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from failover.peer.actions import Action, LinkChanged, PeerChanged, PeerState, Say
from failover.peer.spec import PeerLink

PATIENCE_AT_MOST = 3
"""Dead times after which even a director that is always late calls a silent peer silent."""
FIRST_LISTEN = 3.0
"""Seconds a peer that was never heard is listened for after our start, before it is called down."""

_ENDED = "its daemon ended in order"


@dataclass(slots=True)
class Line:
    """One link. `error` is why we cannot use it (empty: we can), `deaf_since` since when the peer does not hear us on it."""

    link: PeerLink
    heard: float | None = None
    deaf_since: float | None = None
    error: str = ""
    state: PeerState = PeerState.UNKNOWN
    reason: str = "not heard yet"


class Liveness:
    """What is known of one peer. Times are monotonic seconds, `beat` and `dead_time` seconds."""

    def __init__(self, links: Iterable[PeerLink], beat: float, dead_time: float, now: float) -> None:
        self.lines = tuple(Line(link) for link in links)
        self.state = PeerState.UNKNOWN
        self.reason = "not heard yet"
        self.since = now
        self._beat = beat
        self._dead_time = dead_time
        self._started = now
        self._patient_until = now
        self._doubt = ""
        self._doubted_since = self._doubted_at = float("-inf")
        self._said_goodbye = False

    def heard(self, link: int, now: float) -> list[Action]:
        """A proven packet arrived on a link."""
        line = self.lines[link]
        line.heard = now
        self._said_goodbye = False
        actions = self._peer_is(PeerState.UP, "its beats are heard", now)
        if line.state is not PeerState.UP and line.deaf_since is None and not line.error:
            actions += self._line_is(line, PeerState.UP, "beats are heard on it, both ways")
        return actions

    def hears_us(self, link: int, hears: bool, now: float) -> None:
        """The peer says whether it hears us on this link."""
        line = self.lines[link]
        if hears:
            line.deaf_since = None
        elif line.deaf_since is None:
            line.deaf_since = now

    def hears(self, link: int, now: float) -> bool:
        """Whether we hear the peer on this link."""
        heard = self.lines[link].heard
        return heard is not None and now - heard < self._dead_time

    def doubt(self, text: str, now: float) -> None:
        """Packets arrived in the peer's name that prove nothing."""
        if now - self._doubted_at > self._dead_time:
            self._doubt, self._doubted_since = text, now
        self._doubted_at = now

    def usable(self, link: int, error: str) -> None:
        """Whether we can send on a link; `error` says why not, empty when we can."""
        self.lines[link].error = error

    def goodbye(self, now: float) -> list[Action]:
        """The peer's proven word that its daemon has ended."""
        self._said_goodbye = True
        for line in self.lines:
            line.heard = line.deaf_since = None
        return self._peer_is(PeerState.DOWN, _ENDED, now) + self._judge_lines(now)

    def judge(self, now: float, late: float) -> list[Action]:
        """Look at every link, at each beat. `late` is how much later than planned this is called, in seconds."""
        actions: list[Action] = []
        if late > self._beat / 2:
            self._patient_until = now + 2 * self._beat
            if late > self._dead_time:
                actions.append(Say(f"woke {late:.3f} s late; listening on before accusing the peer"))
        return actions + self._judge_peer(now) + self._judge_lines(now)

    def up_links(self) -> list[int]:
        """The links that work both ways."""
        return [number for number, line in enumerate(self.lines) if line.state is PeerState.UP]

    def _judge_peer(self, now: float) -> list[Action]:
        if any(line.heard is not None and not self._silent(line, now) for line in self.lines):
            return []
        if self._said_goodbye:
            return []
        if self.lines and all(line.error for line in self.lines):
            return self._peer_is(PeerState.UNKNOWN, f"no link to it works here: {self.lines[0].error}", now)
        if self._is_doubted(now):
            return self._peer_is(PeerState.UNKNOWN, self._doubt, now)
        if self._is_greeted(now):
            return []
        if all(line.heard is None for line in self.lines):
            if now - self._started < max(FIRST_LISTEN, self._dead_time):
                return []
            return self._peer_is(PeerState.DOWN, "never heard on any link", now)
        return self._peer_is(PeerState.DOWN, f"silent on all links for {self._dead_time:g} s", now)

    def _judge_lines(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for line in self.lines:
            state, reason = self._judge_line(line, now)
            actions += self._line_is(line, state, reason)
        return actions

    def _judge_line(self, line: Line, now: float) -> tuple[PeerState, str]:
        if line.error:
            return PeerState.DOWN, f"it cannot be used here: {line.error}"
        if self._said_goodbye:
            return PeerState.DOWN, _ENDED
        if line.heard is None:
            if now - self._started < max(FIRST_LISTEN, self._dead_time):
                return line.state, line.reason
            return PeerState.DOWN, "nothing is heard on it"
        if self._silent(line, now):
            return PeerState.DOWN, f"silent for {self._dead_time:g} s"
        if line.deaf_since is None:
            return PeerState.UP, "beats are heard on it, both ways"
        if now - line.deaf_since >= self._dead_time:
            return PeerState.DOWN, "the peer does not hear us on it"
        return line.state, line.reason

    def _silent(self, line: Line, now: float) -> bool:
        heard = self._started if line.heard is None else line.heard
        if now < min(self._patient_until, heard + PATIENCE_AT_MOST * self._dead_time):
            return False
        return now - heard >= self._dead_time

    def _is_doubted(self, now: float) -> bool:
        """Doubt counts when it lasts: a greeting is proven or forgotten within milliseconds."""
        lasted = now - self._doubted_since >= 2 * self._beat
        return lasted and now - self._doubted_at < self._dead_time

    def _is_greeted(self, now: float) -> bool:
        """Whether doubt has just begun: somebody in the peer's name may prove himself in a moment, so nobody is accused."""
        return now - self._doubted_at < 2 * self._beat

    def _peer_is(self, state: PeerState, reason: str, now: float) -> list[Action]:
        if (state, reason) == (self.state, self.reason):
            return []
        if state is not self.state:
            self.since = now
        self.state, self.reason = state, reason
        return [PeerChanged(state, reason)]

    def _line_is(self, line: Line, state: PeerState, reason: str) -> list[Action]:
        line.reason = reason
        if state is line.state:
            return []
        line.state = state
        return [LinkChanged(line.link, state, reason, self.state is PeerState.UP)]
