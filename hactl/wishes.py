"""What operators asked of this cluster, kept in the state directory: overrides of servers, and wishes about mastership.

Owns the two files. The law: what an operator asks is on disk before it acts; what a peer brings, or time ends, acts even
where it cannot be kept, and is then as before after a restart.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hactl import mastership, overrides, store
from hactl.mastership import Mastership
from hactl.overrides import Overrides

OVERRIDES_FILE = "overrides.json"
MASTERSHIP_FILE = "mastership.json"


class Wishes:
    """Both kinds. `changed` is called after every change."""

    def __init__(self, state_dir: Path, log: Any, changed: Callable[[], None]) -> None:
        self._log = log
        self._changed = changed
        self._paths = state_dir / OVERRIDES_FILE, state_dir / MASTERSHIP_FILE
        self.overrides, first = store.load(self._paths[0], overrides.decode, Overrides())
        self.mastership, second = store.load(self._paths[1], mastership.decode, Mastership())
        self.broken = tuple(text for text in (first, second) if text)
        """Why a file could not be used."""

    def ask(self, *, servers: Overrides | None = None, masters: Mastership | None = None) -> None:
        """An operator's wish. Raises OSError, and then nothing has changed."""
        if servers is not None:
            store.replace(self._paths[0], overrides.encode(servers))
            self.overrides = servers
        if masters is not None:
            store.replace(self._paths[1], mastership.encode(masters))
            self.mastership = masters
        self._changed()

    def take(self, servers: Overrides, masters: Mastership, which: str) -> None:
        """What a peer brought, or what is left after a deadline; `which` says so in the log if it cannot be kept."""
        new = servers if servers != self.overrides else None, masters if masters != self.mastership else None
        if new == (None, None):
            return
        try:
            self.ask(servers=new[0], masters=new[1])
        except OSError as error:
            what = "overrides" if new[0] is not None else "standby and holds"
            self._log.warning(f"{what} cannot be kept ({which}): {error.strerror}")
            self.overrides, self.mastership = servers, masters
            self._changed()

    def expire(self, now: float) -> None:
        """End what has a deadline that has passed; `now` is wall clock. Holds end by themselves."""
        if self.overrides.expired(now):
            self.take(self.overrides.without_expired(now), self.mastership, "some have ended")
