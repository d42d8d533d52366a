"""`accept: false` where nftables refuses: the router hears why, in nftables' own words."""

import asyncio
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from failover.priority import Judgement, Word
from hactl.routers import accepting
from hactl.routers.acceptance import RefusedSpec
from support.tasks import at_work

REFUSAL = "/dev/stdin:1:1-22: Error: Could not process rule: Operation not supported"


async def test_the_reason_is_nfts_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A kernel without nftables for IP answers so; the exit status alone would leave an operator guessing."""
    nft = tmp_path / "nft"
    nft.write_text(
        f"#!/bin/sh\ncat >/dev/null\necho '{REFUSAL}' >&2\necho 'table ip hactl-accept' >&2\nexit 1\n"
    )
    nft.chmod(0o755)
    monkeypatch.setattr(accepting, "_NFT", str(nft))
    config = MagicMock(refused=(RefusedSpec(router="web", addresses=("10.99.0.100",)),))
    config.ipvs.reconcile = 10.0
    verdicts: asyncio.Queue[Judgement] = asyncio.Queue()
    async with at_work(accepting.Accepting(config, verdicts.put_nowait, MagicMock()).run()):
        verdict = await asyncio.wait_for(verdicts.get(), 10.0)
    assert verdict == Judgement(
        "accept:web", Word.DOWN, f"{nft}: exit status 1: Could not process rule: Operation not supported"
    )
