"""A whole daemon on the kernel's own table, with real servers and real packets, through everything that may happen.

One daemon serves all tests; each begins and ends with the full table.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest

from hactl.lab import net as namespaces
from hactl.lab.serving import Entry
from support.daemon import assert_clean
from support.ipvs_daemon import START_WITHIN, VIP, WITHIN, Site, Table, site, until

pytestmark = pytest.mark.timeout(300)

FALL, RISE, RECONCILE = 3, 2, 2.0
TEXT = f"""
cluster: table
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  page: {{type: http, path: PATH, interval: 2s, fast_interval: 500ms, timeout: 2s, rise: {RISE}, fall: {FALL}}}
  rare: {{type: http, path: /rare, interval: 60s, fast_interval: 60s, timeout: 5s}}
services:
  www:
    {{address: {VIP}, port: 80, scheduler: rr, forward: nat, check: page,
     servers: {{rs1: 10.99.0.21, rs2: 10.99.0.22, rs3: 10.99.0.23}}}}
  calm:
    {{address: {VIP}, port: 81, scheduler: rr, forward: nat, check: page, on_down: quiesce,
     servers: {{rs1: 10.99.0.21, rs2: 10.99.0.22}}}}
  guarded:
    {{address: {VIP}, port: 82, scheduler: rr, forward: nat, check: page, quorum: {{up: 2, down: 1}},
     servers: {{rs1: 10.99.0.21, rs2: 10.99.0.22}}, sorry: {{address: 10.99.0.24, port: 8080, forward: nat}}}}
  fresh:
    {{address: {VIP}, port: 83, forward: nat, check: rare, servers: {{rs1: 10.99.0.21}}}}
  odd:
    {{address: {VIP}, port: 84, scheduler: twos, forward: nat, check: rare, servers: {{rs1: 10.99.0.21}}}}
ipvs: {{reconcile: {RECONCILE:g}s}}
health: {{user: nobody}}
"""
WWW, CALM, GUARDED, FRESH, ODD = (f"{VIP}:{port}" for port in range(80, 85))
FOREIGN = "10.99.0.200:99"


def text(path: str = "/health") -> str:
    """The configuration, with the path that most checks ask for."""
    return TEXT.replace("PATH", path)


def entry(service: str, number: int, weight: int = 1) -> Entry:
    """Real server rs<number> as it stands in the table of a service."""
    return Entry(service, f"10.99.0.2{number}:{service.rpartition(':')[2]}", "Masq", weight)


FULL: Table = frozenset(
    {entry(WWW, 1), entry(WWW, 2), entry(WWW, 3), entry(CALM, 1), entry(CALM, 2)}
    | {entry(GUARDED, 1), entry(GUARDED, 2), entry(FRESH, 1)}
)
SORRY = Entry(GUARDED, "10.99.0.24:8080", "Masq", 1)
LATE = entry(WWW, 3)
SERVERS = sorted({one.server for one in FULL | {SORRY, entry(ODD, 1)}})


def is_table(made: Site, table: Table) -> None:
    """Waits until the kernel's table is this one; the failure shows both."""
    try:
        until(lambda: made.watch.table == table)
    except AssertionError:
        assert sorted(made.watch.table) == sorted(table), made.lb1.log_text()[-3000:]


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    """The site with its daemon started and every real server but one answering."""
    with site(text(), SERVERS) as made:
        made.farm.open(*(name for name in SERVERS if name != LATE.server))
        made.start()
        yield made


@pytest.fixture
def full(running: Site) -> Iterator[Site]:
    """The site with every real server in the table."""
    missing = [name for name in SERVERS if not running.farm.listens(name)]
    running.farm.open(*missing)
    is_table(running, FULL)
    yield running
    assert_clean(running.lb1)


def test_servers_enter_after_their_first_passed_check(running: Site) -> None:
    """Each enters once it has answered a check, by one passed check alone; one that never answered stays out."""
    is_table(running, FULL - {LATE})
    watch, farm = running.watch, running.farm
    assert watch.since(0.0)[0] == frozenset()
    for one in FULL - {LATE}:
        assert farm.answered(one.server, before=watch.entered(one)), one
    assert len(farm.answered(entry(FRESH, 1).server)) == 1
    until(lambda: running.lb1.server("rs3@www")["health"] == "down")
    assert running.lb1.server("rs3@www")["checks"]["page"]["reason"] == "connect_refused"
    begun = time.monotonic()
    farm.open(LATE.server)
    is_table(running, FULL)
    assert watch.entered(LATE) >= begun
    assert len(farm.answered(LATE.server, before=watch.entered(LATE))) >= RISE, "it was down"


def test_the_client_reaches_every_server(full: Site) -> None:
    """Real packets go through the table that the daemon wrote, evenly."""
    names = [entry(WWW, number).server for number in (1, 2, 3)]
    assert full.ask(WWW, 6) == dict.fromkeys(names, 2)


def test_a_server_that_refuses_leaves_and_returns(full: Site) -> None:
    """It leaves after `fall` failures, no request goes to it meanwhile, and it returns after `rise` passes."""
    one = entry(WWW, 2)
    refused = full.refusals()
    with full.farm.gone(one.server):
        is_table(full, FULL - {one})
        assert full.refusals() - refused >= FALL
        assert one.server not in full.ask(WWW, 6)
        back = time.monotonic()
    is_table(full, FULL)
    assert full.watch.since(back) == [FULL - {one}, FULL]
    assert len(full.farm.answered(one.server, back, full.watch.entered(one, back))) >= RISE
    until(lambda: full.ask(WWW, 3)[one.server] == 1)


def test_a_quiesced_server_stays_at_weight_0(full: Site) -> None:
    """With `on_down: quiesce` the entry of a failed server never goes, it has weight 0 until the server is back."""
    one, mark = entry(CALM, 1), time.monotonic()
    with full.farm.gone(one.server):
        is_table(full, FULL - {one} | {entry(CALM, 1, 0)})
        assert set(full.ask(CALM, 4)) == {entry(CALM, 2).server}
    is_table(full, FULL)
    assert full.watch.since(mark) == [FULL, FULL - {one} | {entry(CALM, 1, 0)}, FULL]


def test_a_flushed_table_is_repaired_and_told(full: Site) -> None:
    """After `ipvsadm -C` the whole table is back within `reconcile` seconds, and the history says what was missing."""
    told = len(full.lb1.events("ipvs.repaired"))
    begun = time.monotonic()
    full.ipvsadm("-C")
    flushed = time.monotonic()
    is_table(full, FULL)
    took = time.monotonic() - flushed
    print(f"repaired after {took:.1f} s")
    assert took < 5 * RECONCILE
    assert frozenset() in full.watch.since(begun)
    event = until(lambda: full.lb1.events("ipvs.repaired")[told:])[0]
    assert "www: the service was missing" in event["reason"]
    assert event["severity"] == "warning"
    assert "www: the service was missing" in full.lb1.hactl("events").stdout


def test_a_foreign_service_is_left_alone(full: Site) -> None:
    """What somebody else put into the table stays as it is while ours beside it is put right."""
    with foreign(full) as theirs:
        told = len(full.lb1.events("ipvs.repaired"))
        full.ipvsadm("-d", "-t", WWW, "-r", LATE.server)
        until(lambda: full.lb1.events("ipvs.repaired")[told:])
        is_table(full, FULL)
        assert set(theirs) <= saved(full)
        assert "10.99.0.200" not in full.lb1.hactl("events").stdout


@contextlib.contextmanager
def foreign(made: Site) -> Iterator[list[str]]:
    """A service that ipvsadm adds for a while, as ipvsadm prints it."""
    made.ipvsadm("-A", "-t", FOREIGN, "-s", "rr")
    made.ipvsadm("-a", "-t", FOREIGN, "-r", "10.99.0.3:99", "-m", "-w", "9")
    try:
        yield [f"-A -t {FOREIGN} -s rr", f"-a -t {FOREIGN} -r 10.99.0.3:99 -m -w 9"]
    finally:
        made.ipvsadm("-D", "-t", FOREIGN)


def saved(made: Site) -> set[str]:
    """The whole table as `ipvsadm -Sn` prints it."""
    return set(map(str.strip, made.ipvsadm("-Sn")))


def test_a_changed_check_removes_no_server(full: Site) -> None:
    """A reload with another path for the checks never touches the table, its connections or its counters."""
    with full.call(WWW) as call:
        call.talk()
        counted, mark = until(lambda: full.counted(WWW)), time.monotonic()
        full.lb1.write(text("/other"))
        done = full.lb1.hactl("reload")
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: asked_again(full, mark, "/other"))
        until(full.all_healthy)
        assert full.watch.since(mark) == [FULL]
        assert full.counted(WWW) >= counted, "a service added anew begins at 0"
        assert full.open_connections(WWW) == 1
        call.talk()


def asked_again(made: Site, since: float, path: str) -> bool:
    """Whether every server with an ordinary check has answered one twice on this path since then."""
    names = [one.server for one in FULL if one.service != FRESH]
    return all(made.farm.answered(name, since).count(path) >= 2 for name in names)


def test_a_reload_adds_and_removes_only_what_changed(full: Site) -> None:
    """A server that the file names no more goes at once; put back it waits for its first passed check."""
    one = entry(CALM, 2)
    mark = time.monotonic()
    before = full.lb1.config.read_text()
    full.lb1.write(
        before.replace("rs1: 10.99.0.21, rs2: 10.99.0.22}}\n  guarded", "rs1: 10.99.0.21}}\n  guarded")
    )
    assert full.lb1.hactl("reload").returncode == 0
    is_table(full, FULL - {one})
    back = time.monotonic()
    full.lb1.write(before)
    assert full.lb1.hactl("reload").returncode == 0
    is_table(full, FULL)
    assert full.watch.since(mark) == [FULL, FULL - {one}, FULL]
    assert full.farm.answered(one.server, back, full.watch.entered(one, back))


def test_a_killed_health_worker_removes_no_server(full: Site) -> None:
    """While the health worker is dead and after it is replaced the table stands still, and its connections go on."""
    with full.call(WWW) as call:
        call.talk()
        restarts, mark = full.lb1.status()["workers"]["health-0"]["restarts"], time.monotonic()
        full.lb1.signal(signal.SIGKILL, "health-0")
        until(lambda: full.lb1.status()["workers"]["health-0"]["restarts"] == restarts + 1)
        until(full.is_up, START_WITHIN)
        path = full.farm.asked[LATE.server][-1][1]
        up = time.monotonic()
        until(lambda: asked_again(full, up, path))
        assert full.lb1.events("worker.died", "health-0")
        assert full.watch.since(mark) == [FULL]
        call.talk()
        assert full.open_connections(WWW) == 1


def test_operators_change_the_table(full: Site) -> None:
    """drain is weight 0, disable takes the entry out, weight sets it, enable makes all as configured."""
    one, lb1 = entry(WWW, 1), full.lb1
    rest = FULL - {one}
    steps = (
        (("drain", "rs1@www"), rest | {entry(WWW, 1, 0)}),
        (("disable", "rs1@www"), rest),
        (("enable", "rs1@www"), FULL),
        (("weight", "rs1@www", "7"), rest | {entry(WWW, 1, 7)}),
        (("enable", "rs1@www"), FULL),
    )
    mark = time.monotonic()
    for words, table in steps:
        done = lb1.hactl(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        is_table(full, table)
    assert full.watch.since(mark) == [FULL, *(table for _, table in steps)]


def test_lost_quorum_brings_the_sorry_server(full: Site) -> None:
    """Below the quorum the sorry server alone answers the client; with it the servers are back and it goes."""
    ours = {entry(GUARDED, 1), entry(GUARDED, 2)}
    with full.farm.gone(entry(GUARDED, 1).server):
        is_table(full, FULL - ours | {SORRY})
        assert set(full.ask(GUARDED, 4)) == {SORRY.server}
        assert full.lb1.status()["services"]["guarded"]["sorry"]["serving"]
        assert "serves" in full.lb1.status()["services"]["guarded"]["reason"]
    is_table(full, FULL)
    assert set(full.ask(GUARDED, 4)) == {one.server for one in ours}


def test_a_refused_service_is_told_and_holds_up_nobody(full: Site) -> None:
    """A scheduler that this kernel lacks is a sentence with the service's name, in the text and in the JSON."""
    (warning,) = [line for line in full.lb1.status()["warnings"] if "odd" in line]
    assert "no scheduler 'twos'" in warning
    assert "modprobe ip_vs_twos" in warning
    shown = full.lb1.hactl("status")
    assert warning in " ".join((shown.stdout + shown.stderr).split())
    odd = full.lb1.status()["services"]["odd"]
    assert (odd["in_table"], odd["state"], odd["reason"]) == (False, "down", warning)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_the_table_outlives_the_daemon(full: Site, end: signal.Signals) -> None:
    """Killed or stopped and started again: the table never changes, a connection goes on, overrides stay in force."""
    weighted = FULL - {entry(WWW, 2), LATE} | {entry(WWW, 2, 5), entry(WWW, 3, 0)}
    full.lb1.ask("POST", "overrides", {"action": "weight", "server": "rs2", "service": "www", "weight": 5})
    full.lb1.ask("POST", "overrides", {"action": "drain", "server": "rs3", "service": "www"})
    is_table(full, weighted)
    with full.call(WWW) as call, foreign(full) as theirs:
        server, told = call.talk(), len(full.lb1.events("ipvs.repaired"))
        counted, mark = until(lambda: full.counted(WWW)), time.monotonic()
        finish(full, end)
        assert call.talk() == server
        full.start()
        assert call.talk() == server
        until(full.all_healthy)
        assert full.watch.since(mark) == [weighted]
        assert full.counted(WWW) >= counted, "a service added anew begins at 0"
        assert full.open_connections(WWW) == 1
        assert call.talk() == server
        assert set(theirs) <= saved(full)
        assert not full.lb1.events("ipvs.repaired")[told:]
    assert full.lb1.server("rs3@www")["admin"] == "drain"
    for name in ("rs2", "rs3"):
        full.lb1.ask("POST", "overrides", {"action": "enable", "server": name})
    is_table(full, FULL)


def finish(made: Site, end: signal.Signals) -> None:
    """Ends the daemon: stopped in order, or killed with all its processes."""
    if end is signal.SIGTERM:
        assert made.lb1.stop(START_WITHIN) == 0
        return
    killed = namespaces.signal_all(made.net.namespace("lb1"), signal.SIGKILL)
    assert made.lb1.pid in killed
    assert os.getpid() not in killed
    assert made.lb1.process is not None
    made.lb1.process.wait(WITHIN)
