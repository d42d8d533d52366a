"""`accept: false` kept in force: the rules written at the start, at a reload, and again when somebody took them away; edge.

The law: a router whose VIPs must not be answered at is in fault while the rules cannot be had, and says why.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import Any

from failover.priority import Judgement, Word
from hactl import process
from hactl.config.model import Config
from hactl.routers.acceptance import FAMILIES, TABLE, script

_NFT = "/usr/sbin/nft"
_TIMEOUT = 10.0


class Accepting:
    """The rules of one director. `judge` takes verdicts, `log` lines."""

    def __init__(self, config: Config, judge: Callable[[Judgement], None], log: Any) -> None:
        self._config, self._judge, self._log = config, judge, log
        self._changed = asyncio.Event()
        self._changed.set()
        self._there = False
        self._trouble = ""

    def apply(self, config: Config) -> None:
        """A reload."""
        self._config = config
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled; then the rules go."""
        try:
            while True:
                changed = self._changed.is_set()
                self._changed.clear()
                if self._config.refused or self._there:
                    await self._see_to(changed=changed)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._config.ipvs.reconcile if self._config.refused else None):
                        await self._changed.wait()
        finally:
            if self._there:
                await asyncio.shield(self._write(()))

    async def _see_to(self, *, changed: bool) -> None:
        addresses = tuple(address for one in self._config.refused for address in one.addresses)
        if not changed and not self._trouble and await _is_there(addresses):
            return
        ended = await self._write(addresses)
        trouble = "" if ended.ok else f"{_NFT}: {ended.text}{_complaint(ended.output)}"
        if ended.ok and not changed and not self._trouble:
            self._log.warning(f"the rules of accept: false (table {TABLE}) were gone; written anew")
        elif trouble and trouble != self._trouble:
            self._log.error(f"accept: false has no rules: {trouble}")
        self._trouble = trouble
        for one in self._config.refused:
            self._judge(Judgement(one.id, Word.DOWN if trouble else Word.UP, trouble))

    async def _write(self, addresses: tuple[str, ...]) -> process.Exit:
        ended = await _nft("-f", "-", stdin=script(addresses))
        self._there = bool(addresses) if ended.ok else self._there
        return ended


async def _is_there(addresses: Collection[str]) -> bool:
    """Whether each family that has such an address has its table."""
    versions = {6 if ":" in address else 4 for address in addresses}
    wanted = [family for family, version in FAMILIES.items() if version in versions]
    return all([(await _nft("list", "table", family, TABLE)).ok for family in wanted])


async def _nft(*words: str, stdin: str = "") -> process.Exit:
    return await process.run((_NFT, *words), stdin=stdin.encode(), timeout=_TIMEOUT)


def _complaint(output: bytes) -> str:
    """The first thing that nft disliked; it marks the place in further lines."""
    lines = output.decode(errors="replace").splitlines()
    return f": {lines[0].partition(' Error: ')[2] or lines[0]}" if lines else ""
