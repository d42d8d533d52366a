"""When quiet has returned, and what must be true then: processes, status, addresses, descriptors, memory.

The status is compared with what kernel and captures say; it is never evidence itself.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from torture.ground import Ground
from torture.places import OPERATORS, VIP, VIP6

WANTED = {"supervisor": 1, "failover": 1, "health-0": 1, "notify": 1}
SOME = {"programs": 2, "reader": 1}
"""At most: helpers of workers, and what reads the configuration, for five minutes after it did."""
GROWTH = 16 << 20
"""Bytes that a process may grow over its first quiet: caches and arenas that fill once."""
MORE_DESCRIPTORS = 6
MORE_TASKS = 3


class Load(NamedTuple):
    """What a process has."""

    descriptors: int
    memory: int
    tasks: int


def lacks(ground: Ground, holders: frozenset[str], best: str) -> list[str]:
    """What is not yet as it must be in quiet; empty when all is."""
    if holders != {best}:
        return [f"{sorted(holders)} hold the VIP"]
    everywhere = ground.everywhere()
    wrong = [text for name in ground.directors for text in _strangers(name, everywhere[name])]
    return wrong or [text for name in ground.directors for text in _lacks(ground, name, best)]


def _strangers(name: str, there: dict[str, list[int]]) -> list[str]:
    found = []
    for what, pids in there.items():
        if what != "true" and len(pids) > (WANTED | SOME).get(what, 0):
            found.append(f"{name}: {len(pids)} processes {what}: {pids}")
    return found + [f"{name}: no process {what}" for what in WANTED if what not in there]


def _lacks(ground: Ground, name: str, best: str) -> list[str]:
    status = ground.directors[name].status_or_none()
    if status is None:
        return [f"{name}: does not answer"]
    return [f"{name}: {text}" for text in [*_untrue(status, name == best), *_addresses(ground, name, best)]]


def _untrue(status: dict[str, Any], is_best: bool) -> list[str]:
    router = status["routers"]["web"]
    state = "master" if is_best else "backup"
    found = []
    if router["state"] != state:
        found.append(f"status says {router['state']}, it is {state}: {router['reason']}")
    if bool(router.get("holding")) != is_best:
        found.append(f"status says that it holds {router.get('holding')}")
    if router["priority"] != router["base_priority"]:
        found.append(f"priority {router['priority']}: {router.get('track')}")
    found += [
        f"peer {n} {p['state']}: {p['reason']}" for n, p in status["peers"].items() if p["state"] != "up"
    ]
    found += [f"peer {n} has another file" for n, p in status["peers"].items() if not p["config_matches"]]
    found += [f"worker {n} {w['state']}" for n, w in status["workers"].items() if w["state"] != "up"]
    return found


def _addresses(ground: Ground, name: str, best: str) -> list[str]:
    shown = ground.net.run(name, "ip", "-json", "address", "show", "dev", "eth0").stdout
    there = {info["local"]: info for info in json.loads(shown)[0]["addr_info"]}
    found = []
    for address, lasts in OPERATORS.items():
        info = there.get(address)
        if info is None:
            found.append(f"the operator's {address} is gone")
        elif (info["valid_life_time"] < 2**32 - 1) != bool(lasts):
            found.append(f"the operator's {address} lasts for {info['valid_life_time']} s")
    return found + [
        f"{address} is {'there' if address in there else 'missing'}"
        for address in (VIP, VIP6)
        if (address in there) != (name == best)
    ]


class Loads:
    """Descriptors, memory and tasks of each process since its first quiet."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, str], Load] = {}
        self.highest: dict[str, Load] = {}

    def grown(self, ground: Ground) -> list[str]:
        """Processes that have more than they may."""
        found = []
        for name, there in ground.everywhere().items():
            for what, pids in there.items():
                for pid in pids if what in WANTED else ():
                    found += self._compare(f"{name} {what}", pid)
        return found

    def _compare(self, what: str, pid: int) -> list[str]:
        try:
            load = _load(pid)
        except OSError:
            return []
        first = self._first.setdefault((pid, what), load)
        kind = what.split()[1]
        self.highest[kind] = Load(*map(max, load, self.highest.get(kind, load)))
        allowed = Load(first.descriptors + MORE_DESCRIPTORS, first.memory + GROWTH, first.tasks + MORE_TASKS)
        over = any(has > may for has, may in zip(load, allowed, strict=True))
        return [f"{what}: from {first} to {load}"] if over else []


def _load(pid: int) -> Load:
    folder = Path(f"/proc/{pid}")
    memory = next(
        int(line.split()[1]) << 10
        for line in (folder / "status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return Load(len(list((folder / "fd").iterdir())), memory, len(list((folder / "task").iterdir())))
