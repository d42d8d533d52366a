"""Thousands of edits, verdicts, orders, tampering and lost answers in any order: the table ends as wished.

HACTL_SEEDS=100 tries so many seeds instead of a few; HACTL_STEPS=5000 makes each longer.
"""

import os
import random
from pathlib import Path

import msgspec
import pytest

from hactl.ipvs.model import Entry, VirtualService
from hactl.ipvs.ops import AddServer, DeleteServer, DeleteService, Op, SetServer, SetService
from support.ipvs_build import real
from support.ipvs_fake import FakeKernel
from support.ipvs_random import FOREIGN, Faulty, World, campaign

SEEDS = int(os.environ.get("HACTL_SEEDS", "1"))
STEPS = int(os.environ.get("HACTL_STEPS", "1000"))


class Intruder:
    """Somebody else at the fake table, and what they expect of their own services."""

    def __init__(self, kernel: FakeKernel, rng: random.Random) -> None:
        self.kernel, self.rng = kernel, rng
        self.own: dict[object, Entry] = {}

    async def tamper(self) -> None:
        """One change behind our back."""
        table, rng = self.kernel.table, self.rng
        if rng.random() < 0.05:
            table.clear()
            self.own.clear()
            return
        if rng.random() < 0.1:
            key = rng.choice(FOREIGN)
            table[key] = self.own[key] = Entry(
                service=VirtualService(key=key, scheduler="rr"),
                servers={real(1).key: real(1, rng.randrange(9))},
            )
            return
        keys = [key for key in table if key not in FOREIGN]
        if keys:
            self._spoil(table[rng.choice(keys)])

    def _spoil(self, entry: Entry) -> None:
        service, rng = entry.service, self.rng
        key = service.key
        servers = list(entry.servers.values())
        stranger = msgspec.structs.replace(
            real(9),
            key=msgspec.structs.replace(
                real(9).key, address="fd77::99" if key.family == "ipv6" else "10.77.0.99"
            ),
        )
        ops: list[Op] = [
            DeleteService(key),
            SetService(msgspec.structs.replace(service, scheduler=rng.choice(("rr", "lc"))), service),
        ]
        if servers:
            one = rng.choice(servers)
            ops += [
                DeleteServer(key, one),
                SetServer(key, msgspec.structs.replace(one, weight=rng.randrange(99)), one),
            ]
        if stranger.key not in entry.servers:
            ops.append(AddServer(key, stranger))
        assert self.kernel.perform(rng.choice(ops)) == 0


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.timeout(600)
async def test_the_table_ends_as_wished(seed: int, tmp_path: Path) -> None:
    """Within a second of quiet, whatever happened; then nothing is written; others' services are as they left them."""
    fake, world = FakeKernel(), World(seed, tmp_path)
    kernel, intruder = Faulty(fake, world.rng), Intruder(fake, world.rng)
    longest, looked = await campaign(world, kernel, intruder.tamper, STEPS)
    assert {key: fake.table[key] for key in FOREIGN if key in fake.table} == intruder.own
    print(
        f"seed {seed}: {STEPS} steps, {kernel.faults} faults, looked {looked} times, at most {longest:.2f} s"
    )
    assert kernel.faults > STEPS / 50
