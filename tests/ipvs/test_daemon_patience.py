"""A whole daemon on the kernel's own table: servers that return slowly, fall together, or are drained to the end."""

import threading
import time
from collections.abc import Iterator

import pytest

from support.daemon import assert_clean
from support.ipvs_daemon import VIP, Site, site, until

pytestmark = pytest.mark.timeout(300)

TEXT = f"""
cluster: patience
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  page: {{type: http, path: /health, interval: 1s, fast_interval: 300ms, timeout: 1s, rise: 2, fall: 3}}
services:
  slow:
    {{address: {VIP}, port: 80, scheduler: wrr, forward: nat, check: page, slow_start: 10s,
     servers: {{rs1: 10.99.0.21, rs2: 10.99.0.22}}}}
  calm:
    {{address: {VIP}, port: 81, scheduler: rr, forward: nat, check: page, panic: {{share: 50%, at_least: 4, hold: 20s}},
     servers: {{rs1: 10.99.0.21, rs2: 10.99.0.22, rs3: 10.99.0.23, rs4: 10.99.0.24}}}}
  guarded:
    {{address: {VIP}, port: 82, scheduler: rr, forward: nat, check: page, servers: {{rs1: 10.99.0.21}},
     sorry: {{address: 10.99.0.25, port: 8080, forward: nat, check: page}}}}
health: {{user: nobody}}
"""
SLOW, CALM, GUARDED = (f"{VIP}:{port}" for port in range(80, 83))
SORRY = "10.99.0.25:8080"
SERVERS = [
    *(f"10.99.0.{20 + number}:80" for number in (1, 2)),
    *(f"10.99.0.{20 + number}:81" for number in (1, 2, 3, 4)),
    "10.99.0.21:82",
    SORRY,
]


def weights(made: Site, service: str) -> dict[str, int]:
    """Weight of each server of a service in the kernel's table."""
    return {entry.server: entry.weight for entry in made.watch.table if entry.service == service}


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    """The site with its daemon, every real server answering."""
    with site(TEXT, SERVERS) as made:
        made.farm.open(*SERVERS)
        made.start()
        yield made


@pytest.fixture
def full(running: Site) -> Iterator[Site]:
    """The site with every real server in the table at its whole weight."""
    running.farm.open(*(name for name in SERVERS if not running.farm.listens(name)))
    until(lambda: set(weights(running, SLOW).values()) == {1} and len(weights(running, SLOW)) == 2)
    until(lambda: len(weights(running, CALM)) == 4 and running.all_healthy())
    yield running
    assert_clean(running.lb1)


def test_the_weight_of_a_returning_server_rises(full: Site) -> None:
    """It comes back with a twentieth beside the others, gets more from step to step, and ends as configured."""
    one, other = "10.99.0.22:80", "10.99.0.21:80"
    with full.farm.gone(one):
        until(lambda: one not in weights(full, SLOW))
    mark = time.monotonic()
    until(lambda: one in weights(full, SLOW))
    assert full.lb1.server("rs2@slow")["rising"] is not None
    until(lambda: set(weights(full, SLOW).values()) == {1})
    seen = [
        {entry.server: entry.weight for entry in table if entry.service == SLOW}
        for table in full.watch.since(mark)
    ]
    rising = [table[one] for table in seen if one in table and table[other] > 1]
    assert rising[0] <= 4
    assert rising == sorted(rising)
    assert len(rising) >= 8
    assert {table[other] for table in seen} == {1, 20}


def test_none_leaves_while_most_fall_together(full: Site) -> None:
    """All four are unreachable: one alarm, the table stands for the hold, then they leave."""
    four = {f"10.99.0.2{number}:81" for number in (1, 2, 3, 4)}
    told, mark = len(full.lb1.events("service.panic", "calm")), time.monotonic()
    with full.farm.gone(*four):
        until(lambda: len(full.lb1.events("service.panic", "calm")) > told)
        until(lambda: full.lb1.status()["services"]["calm"]["state"] == "down")
        assert set(weights(full, CALM)) == four
        assert full.lb1.status()["services"]["calm"]["panic_until"] is not None
        until(lambda: not weights(full, CALM))
        left = next(
            at for at, table in full.watch._changes if at > mark and not any(e.service == CALM for e in table)
        )
        assert left - mark >= 20
        tables = [frozenset(e.server for e in table if e.service == CALM) for table in full.watch.since(mark)]
        assert set(tables) == {frozenset(four), frozenset()}, "all of them or none"
        alarms = full.lb1.events("service.panic", "calm")[told:]
        assert [alarm["severity"] for alarm in alarms] == ["critical", "info"]
    until(full.all_healthy)


def test_one_that_falls_alone_leaves_soon(full: Site) -> None:
    """The threshold delays the removal of a single server by less than its window."""
    one = "10.99.0.23:81"
    with full.farm.gone(one):
        until(lambda: full.lb1.server("rs3@calm")["health"] == "down")
        down = time.monotonic()
        until(lambda: one not in weights(full, CALM))
        assert time.monotonic() - down < 15
    assert full.lb1.status()["services"]["calm"]["panic_until"] is None


def test_drained_to_the_end(full: Site) -> None:
    """Weight 0 at once; it stays while a connection is open; with the last one it leaves, and the command returns."""
    with full.call(CALM) as call:
        server = call.talk()
        name = f"rs{server.split(':')[0][-1]}"
        done: list[int] = []
        waiting = threading.Thread(
            target=lambda: done.append(full.lb1.hactl("drain", f"{name}@calm", "--wait").returncode)
        )
        waiting.start()
        until(lambda: weights(full, CALM)[server] == 0)
        time.sleep(4)
        assert weights(full, CALM)[server] == 0
        assert call.talk() == server
        assert done == []
    until(lambda: server not in weights(full, CALM))
    waiting.join(60)
    assert done == [0]
    assert full.lb1.server(f"{name}@calm")["admin"] == "disabled"
    assert full.lb1.hactl("enable", f"{name}@calm").returncode == 0
    until(lambda: weights(full, CALM).get(server) == 1)


def test_drained_after_a_deadline(full: Site) -> None:
    """A connection that never ends does not hold it longer than --for."""
    with full.call(CALM) as call:
        server = call.talk()
        name = f"rs{server.split(':')[0][-1]}"
        assert full.lb1.hactl("drain", f"{name}@calm", "--wait", "--for", "5s").returncode == 0
        until(lambda: server not in weights(full, CALM))
    assert full.lb1.hactl("enable", name).returncode == 0


def test_a_sorry_server_has_its_own_check(full: Site) -> None:
    """It serves only while it passes: with both gone nobody is in the table; back, it serves until the server returns."""
    with full.farm.gone(SORRY), full.farm.gone("10.99.0.21:82"):
        until(lambda: not weights(full, GUARDED))
        assert "the sorry server cannot serve" in full.lb1.status()["services"]["guarded"]["reason"]
        full.farm.open(SORRY)
        until(lambda: set(weights(full, GUARDED)) == {SORRY})
        assert set(full.ask(GUARDED, 2)) == {SORRY}
        full.farm.close(SORRY)
        until(lambda: not weights(full, GUARDED))
    until(lambda: set(weights(full, GUARDED)) == {"10.99.0.21:82"})
