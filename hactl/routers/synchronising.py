"""Connection synchronisation of this director: from the routers' reports to the kernel's two threads.

Owns the record of our threads in the state directory and what is told of them. It decides nothing itself.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from failover.moves import State
from failover.report import RouterReport
from hactl import kept, store
from hactl.config.model import Config
from hactl.events import Occurrence, plain
from hactl.ipvs.kernel import Kernel
from hactl.ipvs.spec import SyncSpec
from hactl.ipvs.sync import SyncState, SyncView
from hactl.ipvs.synchroniser import SCHEMA, Synchroniser, SyncMoved, SyncRecord, SyncRepaired, SyncReport
from notify.event import EventKind

RECORD_FILE = "ipvs-sync.json"


def is_master(report: RouterReport | None) -> bool | None:
    """Whether clients' packets come here: as master, or while the VIPs are still here. None: nothing is known."""
    return None if report is None else report.state is State.MASTER or bool(report.holding)


class Synchronising:
    """Follows one router. `emit` takes events, `log` a level and a line."""

    def __init__(self, config: Config, *, emit: Callable[[Occurrence], None], log: Any) -> None:
        self._spec: SyncSpec | None = config.sync
        self._period = config.ipvs.reconcile
        self._path = Path(config.state_dir) / RECORD_FILE
        self._emit, self._log = emit, log
        self._kernel = Kernel()
        self._loop: Synchroniser | None = None
        self._reports: Mapping[str, RouterReport] = {}

    @property
    def view(self) -> SyncView | None:
        """What status shows; None where it is off."""
        return self._loop.view if self._loop is not None and self._spec is not None else None

    @property
    def trouble(self) -> str:
        """Why connections are not synchronised as they should be, empty when they are."""
        view = self.view
        bad = view is not None and view.state is SyncState.FAULT
        return f"connections are not synchronised: {view.reason}" if view is not None and bad else ""

    async def run(self) -> None:
        """Work until cancelled; the threads go on in the kernel."""
        record, broken = store.load(self._path, _decode, SyncRecord())
        if broken:
            self._log.warning(broken)
        self._loop = Synchroniser(
            self._kernel,
            self._spec,
            report=self._on_report,
            store=self._store,
            record=record,
            period=self._period,
        )
        self.follow(self._reports)
        try:
            await self._loop.run()
        finally:
            self._kernel.close()

    def apply(self, config: Config, reports: Mapping[str, RouterReport]) -> None:
        """A reload: what is wished from now on."""
        self._spec, self._period = config.sync, config.ipvs.reconcile
        if self._loop is not None:
            self._loop.configure(self._spec, self._period)
        self.follow(reports)

    def follow(self, reports: Mapping[str, RouterReport]) -> None:
        """The routers' last reports; what is heard before the loop runs is kept for it."""
        self._reports = reports
        if self._loop is not None and self._spec is not None and self._spec.router is not None:
            self._loop.follow(is_master(reports.get(self._spec.router)))

    async def settle(self, within: float) -> None:
        """Let what was last heard take its effect, for so many seconds at most."""
        if self._loop is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._loop.settled()

    async def _store(self, record: SyncRecord) -> None:
        await store.keep(self._path, msgspec.json.encode(record))

    def _on_report(self, report: SyncReport) -> None:
        match report:
            case SyncRepaired(texts):
                self._emit(plain(EventKind.IPVS_REPAIRED, "sync", "put right: " + "; ".join(texts)))
            case SyncMoved(_, new) if new.state is SyncState.FAULT:
                self._log.warning(f"connections are not synchronised: {new.reason}")
            case SyncMoved(_, new):
                self._log.info(f"connection synchronisation is {new.state}: {new.reason}")


def _decode(data: bytes) -> SyncRecord:
    """The kept record. Raises ValueError."""
    what = "record of synchronisation threads"
    return kept.decode(data, SyncRecord, SCHEMA, file=what, content=what)
