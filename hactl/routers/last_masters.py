"""Which other master each router heard last, kept for the daemon's next start on this boot of the host; edge.

The law: whoever is fenced before a takeover has been heard by this daemon, or by one before it since the host started: a
host that was switched off and on knows nobody.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from failover.fence_words import LastMaster
from failover.moves import State
from failover.report import RouterReport
from hactl import kept, store

FILE = "masters.json"
SCHEMA = 1


class _Stored(kept.Stored, frozen=True):
    """The form of the file."""

    boot: str
    masters: dict[str, str]


class LastMasters:
    """Those of the routers that fence; others are not kept."""

    def __init__(self, state_dir: Path, log: Any) -> None:
        self._path, self._log = state_dir / FILE, log
        self._boot = store.boot_id()
        known, self.trouble = store.load(self._path, _decode, _Stored(SCHEMA, self._boot, {}))
        """`trouble`: why the file could not be used."""
        self._masters = dict(known.masters) if known.boot == self._boot else {}

    def follow(self, reports: Mapping[str, RouterReport], fencing: Collection[str]) -> None:
        """The routers' last reports."""
        heard = {
            name: reports[name].master
            for name in fencing
            if name in reports and reports[name].master and reports[name].state is not State.MASTER
        }
        masters = {name: master for name, master in (self._masters | heard).items() if name in fencing}
        if masters != self._masters:
            self._masters = masters
            self._keep()

    def words(self) -> Iterator[LastMaster]:
        """For a failover worker that starts."""
        for router, master in self._masters.items():
            yield LastMaster(router, master)

    def _keep(self) -> None:
        try:
            store.replace(self._path, kept.encode(_Stored(SCHEMA, self._boot, self._masters)))
        except OSError as error:
            self._log.warning(
                f"{self._path} cannot be written: {error.strerror}; a restart forgets the last master"
            )


def _decode(data: bytes) -> _Stored:
    return kept.decode(data, _Stored, SCHEMA, file="file of masters", content="masters")
