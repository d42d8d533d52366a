"""The same random operations on the kernel's own table, with ipvsadm as the intruder."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from hactl.ipvs.kernel import Kernel
from support.ipvs_namespace import ipvsadm
from support.ipvs_random import FOREIGN, Faulty, World, campaign

STEPS = int(os.environ.get("HACTL_STEPS", "1000"))
SEEDS = int(os.environ.get("HACTL_SEEDS", "1"))
THEIRS = [f"{key.address}:{key.port}" for key in FOREIGN]


class Intruder:
    """Somebody with ipvsadm, who takes the lines that it saves and undoes or changes one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.own: set[str] = set()
        self.changes = 0

    async def tamper(self) -> None:
        """One change behind our back."""
        rng = self.rng
        if rng.random() < 0.03:
            ipvsadm("-C")
            self.own.clear()
        elif rng.random() < 0.1 and not self.own:
            place = rng.choice(THEIRS)
            self.own = {f"-A -t {place} -s rr", f"-a -t {place} -r 10.0.0.1:1 -m -w {rng.randrange(9)}"}
            ipvsadm("-R", feed="\n".join(sorted(self.own)) + "\n")
        else:
            lines = [line.strip() for line in ipvsadm("-Sn")]
            ours = [line for line in lines if not any(place in line for place in THEIRS)]
            if ours:
                self._spoil(rng.choice(ours))
        self.changes += 1

    def _spoil(self, line: str) -> None:
        """The daemon may have been there first; then nothing has changed."""
        verb, _, rest = line.partition(" ")
        words = rest.split()
        if verb == "-A":
            place = words[: words.index("-s")]
            new = self.rng.choice((["-D", *place], ["-E", *place, "-s", "wrr"]))
        else:
            place = words[: words.index("-r") + 2]
            method = next(word for word in words if word in ("-m", "-g", "-i"))
            new = self.rng.choice((["-d", *place], ["-e", *place, method, "-w", "77"]))
        subprocess.run(["ipvsadm", *new], capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.timeout(900)
async def test_the_kernels_table_ends_as_wished(seed: int, tmp_path: Path) -> None:
    """Within a second of quiet, whatever happened; then nothing is written; others' services are as they left them."""
    world, real = World(seed, tmp_path), Kernel()
    kernel, intruder = Faulty(real, world.rng), Intruder(world.rng)
    longest, looked = await campaign(world, kernel, intruder.tamper, STEPS)
    assert {line.strip() for line in ipvsadm("-Sn") if any(place in line for place in THEIRS)} == intruder.own
    real.close()
    print(
        f"seed {seed}: {STEPS} steps, {intruder.changes} by ipvsadm, {kernel.faults} faults, "
        f"{len(kernel.applied)} operations, looked {looked} times, at most {longest:.2f} s"
    )
    assert kernel.faults > STEPS / 100
