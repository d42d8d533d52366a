"""Links of the directors' channel that broke while their peer is up: told as events, once each; core.

The law: a broken link is an alarm and never moves anything; the links of a director that dies fall silent one after the
other, and that is no alarm of their own, nor is it that they come up one after the other.
"""

from collections.abc import Mapping

from failover.peer.actions import PeerState
from failover.peer.report import PeerReport
from hactl.events import Occurrence, plain
from notify.event import EventKind, Severity

LASTS = 2.0
"""Seconds for which a link must be down before it counts."""
COMES_WITHIN = 15.0
"""Seconds that a link may take to come up for the first time, after its peer did: interfaces come one by one at a start."""

Link = tuple[str, str, str]
"""Peer, own address, the peer's address."""


class PeerLinks:
    """What was noticed so far. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[Link, float] = {}
        self._worked: set[Link] = set()
        self._told: set[Link] = set()

    def look(self, reports: Mapping[str, PeerReport], now: float) -> list[Occurrence]:
        """Look at every link of every peer that is up; the events. Of a peer that is not up nothing is concluded."""
        found: list[Occurrence] = []
        for name, report in reports.items():
            for link in report.links if report.state is PeerState.UP else ():
                key = (name, link.own, link.peer)
                if link.state is PeerState.UP:
                    found += self._mended(key)
                elif now - self._since.setdefault(key, now) >= self._patience(key):
                    found += self._broken(key, link.reason)
        return found + self._forget(reports)

    def _patience(self, link: Link) -> float:
        return LASTS if link in self._worked else COMES_WITHIN

    def _broken(self, link: Link, reason: str) -> list[Occurrence]:
        if link in self._told:
            return []
        self._told.add(link)
        text = f"the link {_words(link)} is down: {reason}; other links work"
        return [plain(EventKind.PEER_LINK, link[0], text, old="up", new="down")]

    def _mended(self, link: Link) -> list[Occurrence]:
        self._since.pop(link, None)
        self._worked.add(link)
        return self._over(link, "works again") if link in self._told else []

    def _over(self, link: Link, how: str) -> list[Occurrence]:
        """One of them is broken no more; the alarm of its peer ends with the last."""
        self._told.remove(link)
        kind, text = EventKind.PEER_LINK, f"the link {_words(link)} {how}"
        if others := sorted(other for other in self._told if other[0] == link[0]):
            text += f"; {_words(others[0])} is still down"
            return [plain(kind, link[0], text, old="down", new="down")]
        return [
            Occurrence(kind=kind, subject=link[0], old="down", new="up", reason=text, severity=Severity.INFO)
        ]

    def _forget(self, reports: Mapping[str, PeerReport]) -> list[Occurrence]:
        """Links that are no more, and what was noticed of those whose peer went down: it may have been restarted."""
        there = {(name, link.own, link.peer) for name, report in reports.items() for link in report.links}
        up = {name for name, report in reports.items() if report.state is PeerState.UP}
        self._since = {link: at for link, at in self._since.items() if link in there and link[0] in up}
        self._worked = {link for link in self._worked & there if link[0] in up}
        gone = sorted(self._told - there)
        self._told = {link for link in self._told if link[0] in reports}
        return [
            one for link in gone if link in self._told for one in self._over(link, "is not used any more")
        ]


def _words(link: Link) -> str:
    return f"{link[1]} - {link[2]}"
