"""What operators asked of this cluster, kept in the state directory: overrides of servers, wishes about mastership, and
acknowledgements of problems.

Owns the three files. The law: what an operator asks is on disk before it acts; what a peer brings, or time ends, acts even
where it cannot be kept, and is then as before after a restart.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hactl import store
from hactl.peers.peers import Word, word
from hactl.problems.acks import Acks
from hactl.problems.acks import decode as decode_acks
from hactl.problems.acks import encode as encode_acks
from hactl.wishes import mastership, overrides
from hactl.wishes.mastership import Mastership
from hactl.wishes.overrides import Overrides

OVERRIDES_FILE = "overrides.json"
MASTERSHIP_FILE = "mastership.json"
ACKS_FILE = "acks.json"


class Wishes:
    """All three kinds. `changed` is called after every change."""

    def __init__(self, state_dir: Path, log: Any, changed: Callable[[], None]) -> None:
        self._log = log
        self._changed = changed
        self._paths = tuple(state_dir / name for name in (OVERRIDES_FILE, MASTERSHIP_FILE, ACKS_FILE))
        self.overrides, first = store.load(self._paths[0], overrides.decode, Overrides())
        self.mastership, second = store.load(self._paths[1], mastership.decode, Mastership())
        self.acks, third = store.load(self._paths[2], decode_acks, Acks())
        self.broken = tuple(text for text in (first, second, third) if text)
        """Why a file could not be used."""

    def ask(
        self,
        *,
        servers: Overrides | None = None,
        masters: Mastership | None = None,
        acks: Acks | None = None,
    ) -> None:
        """An operator's wish. Raises OSError, and then nothing has changed."""
        if servers is not None:
            store.replace(self._paths[0], overrides.encode(servers))
            self.overrides = servers
        if masters is not None:
            store.replace(self._paths[1], mastership.encode(masters))
            self.mastership = masters
        if acks is not None:
            store.replace(self._paths[2], encode_acks(acks))
            self.acks = acks
        self._changed()

    def take(self, servers: Overrides, masters: Mastership, acks: Acks, which: str) -> None:
        """What a peer brought, or what is left after a deadline; `which` says so in the log if it cannot be kept."""
        changed = servers != self.overrides, masters != self.mastership, acks != self.acks
        if not any(changed):
            return
        try:
            self.ask(
                servers=servers if changed[0] else None,
                masters=masters if changed[1] else None,
                acks=acks if changed[2] else None,
            )
        except OSError as error:
            what = ("overrides", "standby and holds", "acknowledgements")[changed.index(True)]
            self._log.warning(f"{what} cannot be kept ({which}): {error.strerror}")
            self.overrides, self.mastership, self.acks = servers, masters, acks
            self._changed()

    def hear(self, peer: str, heard: Word, now: float) -> None:
        """A peer's word: its wishes join ours, the later of each object; `now` is wall clock.

        What has ended by our clock stays ended, also where the peer's clock is behind ours, or its word was long under way.
        """
        self.take(
            self.overrides.merged(heard.overrides, heard.revision).without_expired(now),
            self.mastership.merged(heard.mastership),
            self.acks.merged(heard.acks.records, heard.acks.revision),
            f"{peer} brought them",
        )

    def word(self, config: str) -> bytes:
        """Our word to all peers, with the digest of our configuration."""
        return word(config, self.overrides, self.mastership, self.acks)

    def expire(self, now: float) -> None:
        """End what has a deadline that has passed; `now` is wall clock. Holds end by themselves."""
        if self.overrides.expired(now):
            self.take(self.overrides.without_expired(now), self.mastership, self.acks, "some have ended")
