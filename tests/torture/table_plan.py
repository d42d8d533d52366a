"""The campaign on a kernel's IPVS table, on paper: faults by seed, and which changes of the table each excuses.

Its law: a round follows from seed and number alone; the verdict follows from tables that were seen. Times in seconds.
"""

import enum
from collections.abc import Iterable
from random import Random

import msgspec
from torture.places import VIP

from hactl.lab.serving import Entry

SERVERS = ("10.99.0.21", "10.99.0.22", "10.99.0.23")
REMOVING, QUIESCING = f"{VIP}:80", f"{VIP}:81"
"""A dead server leaves the one, and stays in the other at weight 0."""
RECONCILE = 2.0
TEXT = f"""
cluster: torture
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  page: {{type: http, path: /health, interval: 1s, fast_interval: 500ms, timeout: 1s, rise: 2, fall: 2}}
services:
  www: {{address: {VIP}, port: 80, scheduler: rr, forward: nat, check: page, servers: SERVERS}}
  calm: {{address: {VIP}, port: 81, scheduler: rr, forward: nat, check: page, on_down: quiesce, servers: SERVERS}}
ipvs: {{reconcile: {RECONCILE:g}s}}
health: {{user: nobody}}
""".replace("SERVERS", "{" + ", ".join(f"rs{n}: {a}" for n, a in enumerate(SERVERS, 1)) + "}")


class Blow(enum.StrEnum):
    """What is done to the table or to the daemon that keeps it."""

    FLUSH = "ipvsadm -C"
    SERVICE_REMOVED = "service removed by hand"
    SERVER_REMOVED = "server removed by hand"
    SERVER_CHANGED = "weight changed by hand"
    STRANGER = "server added by hand"
    SERVER_DIES = "real server gone"
    KILL = "SIGKILL of a process"
    FREEZE = "SIGSTOP of a process"
    CLOCK = "wall clock set"
    RELOAD = "reload without a change"
    CALLS_FAIL = "netlink calls fail"


BY_HAND = frozenset(
    {Blow.FLUSH, Blow.SERVICE_REMOVED, Blow.SERVER_REMOVED, Blow.SERVER_CHANGED, Blow.STRANGER}
)
_PROCESSES = ("supervisor", "failover", "health-0", "notify")


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One fault; `amount` are hours for the clock, else a weight."""

    kind: Blow
    service: str
    server: str
    process: str
    lasts: float
    amount: int

    @property
    def entry(self) -> str:
        """The server with the service's port."""
        return f"{self.server}:{self.service.rpartition(':')[2]}"


def strikes(seed: int, number: int) -> tuple[Strike, ...]:
    """One or two faults of one round."""
    dice = Random(f"table/{seed}/{number}")
    return tuple(
        Strike(
            kind=dice.choice(list(Blow)),
            service=dice.choice((REMOVING, QUIESCING)),
            server=dice.choice(SERVERS),
            process=dice.choice(_PROCESSES),
            lasts=round(dice.uniform(0.2, 5.0), 2),
            amount=dice.choice((-5, -1, 1, 7)),
        )
        for _ in range(dice.choice((1, 1, 2)))
    )


def full() -> frozenset[Entry]:
    """The wished table while every server is well."""
    return frozenset(
        Entry(service, f"{server}:{service.rpartition(':')[2]}", "Masq", 1)
        for service in (REMOVING, QUIESCING)
        for server in SERVERS
    )


def unasked(tables: Iterable[frozenset[Entry]], done: Iterable[Strike]) -> list[str]:
    """Servers that had no new connections at some time though they were well and nobody touched them by hand."""
    done = tuple(done)
    if any(one.kind in (Blow.FLUSH, Blow.SERVICE_REMOVED) for one in done):
        return []
    touched = {(one.service, one.entry) for one in done if one.kind in BY_HAND}
    touched |= {(one.service, one.entry) for one in done if one.kind is Blow.SERVER_DIES}
    found = set()
    for table in tables:
        for entry in full() - table:
            if (entry.service, entry.server) not in touched:
                found.add(f"{entry.server} left {entry.service} without cause")
    return sorted(found)
