"""Two whole daemons: who is master, how mastership moves on purpose, and what `status` says of it."""

import time
from collections.abc import Iterator

import pytest

from support.daemon import VIP, Pair, pair, wait_until
from support.netns import needs_namespaces

pytestmark = needs_namespaces

LEASE = 2.0
LATE_RECORD = 0.02
"""An address event is recorded when it is read, a frame when it was sent."""
LATE = 1.0
"""Generous bound beyond the lease, in seconds: the machine is shared."""


@pytest.fixture(scope="module")
def two() -> Iterator[Pair]:
    """A pair that tests leave as they found it: lb1 master, nobody holding back."""
    with pair() as running:
        yield running


def back_to_lb1(two: Pair) -> None:
    """Mastership where the fixture had it."""
    two.lb1.hactl("resume")
    wait_until(lambda: two.lb1.is_state("master") and two.lb2.is_state("backup"))


def test_one_master(two: Pair) -> None:
    """The preferred director is master and alone has the VIP."""
    assert two.lb1.is_state("master")
    assert two.lb2.is_state("backup")
    held = {name: VIP in two.net.run(name, "ip", "-4", "address").stdout for name in ("lb1", "lb2")}
    assert held == {"lb1": True, "lb2": False}
    wait_until(lambda: two.lb2.router()["master"] == "10.99.0.1")


def test_status_has_the_contract_keys(two: Pair) -> None:
    """`status --json` has every key of the contract, with values of the right kind."""
    status = two.lb1.status()
    assert {"cluster", "node", "version", "since", "config", "routers", "services", "peers"} <= set(status)
    assert (status["cluster"], status["node"]) == ("web", "lb1")
    assert set(status["config"]) == {"sha256", "loaded"}
    router = status["routers"]["web"]
    expected = {
        "vrid": 51,
        "interface": "eth0",
        "state": "master",
        "priority": 150,
        "base_priority": 150,
        "addresses": ["10.99.0.100/32"],
        "master": "10.99.0.1",
    }
    assert {key: router[key] for key in expected} == expected
    silent, higher = (
        "no advert from a master within the master-down time",
        "this director has the higher priority",
    )
    assert router["reason"] in (silent, higher)
    assert router["since"].endswith("Z")
    peer = status["peers"]["lb2"]
    assert (peer["address"], peer["config_matches"]) == ("10.99.0.2", None)
    assert peer["state"] in ("up", "unknown")


def test_status_exits_0_and_is_quick(two: Pair) -> None:
    """With nothing down `status` exits 0, in far less than five times the promised 0.3 s."""
    best = 10.0
    for _ in range(3):
        began = time.monotonic()
        done = two.lb1.hactl("status", "--json")
        best = min(best, time.monotonic() - began)
        assert done.returncode == 0, done.stdout + done.stderr
    assert best < 1.5


def test_handover_makes_before_it_breaks(two: Pair) -> None:
    """The successor holds and announces the VIP before the old master lets go; then the giver holds back, until resume."""
    began = time.monotonic()
    done = two.lb1.hactl("handover", "web")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10.99.0.2 is master after" in done.stdout
    wait_until(lambda: two.record.changes(VIP, "lb1", since=began))
    taken = two.record.changes(VIP, "lb2", since=began)[0]
    advert = next(a for a in two.record.adverts("lb2", since=began) if a.priority)
    announced = next(a for a in two.record.announcements("lb2", since=began) if a.address == VIP)
    given_up = two.record.changes(VIP, "lb1", since=began)[0]
    release = next(a for a in two.record.adverts("lb1", since=began) if not a.priority)
    assert (taken.there, given_up.there) == (True, False)
    assert release.at < taken.at < given_up.at
    assert taken.at < min(advert.at, announced.at) + LATE_RECORD
    assert max(advert.at, announced.at) < given_up.at
    assert two.record.longest_absence(VIP, since=began) == 0.0
    time.sleep(1.5)
    assert two.lb1.is_state("backup"), "the giver must not preempt while it holds back"
    assert "no longer holds back" in two.lb1.hactl("resume").stdout
    back_to_lb1(two)
    assert two.record.longest_absence(VIP, since=began) == 0.0


def test_handover_of_a_backup_is_refused(two: Pair) -> None:
    """Who is not master cannot hand over: a sentence and exit status 1."""
    done = two.lb2.hactl("handover")
    assert done.returncode == 1
    assert "is not master here (it is backup)" in done.stdout


def test_handover_of_an_unknown_router(two: Pair) -> None:
    """A router that is not there is a sentence naming those that are."""
    done = two.lb1.hactl("handover", "nosuch")
    assert done.returncode == 1
    assert "there is no router 'nosuch'; there are web" in done.stderr


def test_events_tell_of_a_handover(two: Pair) -> None:
    """Both directors keep the change in their history, with old and new state and the reason."""
    two.lb1.hactl("handover", check=True)
    given = wait_until(lambda: two.lb1.events("router.backup", "web")[-1:])[0]
    assert (given["old"], given["new"]) == ("master", "backup")
    assert given["reason"] == "handed over to another director"
    taken = wait_until(lambda: two.lb2.events("router.master", "web")[-1:])[0]
    assert taken["reason"] == "the master released the addresses"
    back_to_lb1(two)


def test_sigterm_hands_over_and_exits_0() -> None:
    """An operator's stop: the successor first, then the old master lets go, without a moment without a holder."""
    with pair() as two:
        began = time.monotonic()
        assert two.lb1.stop() == 0
        assert two.lb2.is_state("master")
        taken = two.record.changes(VIP, "lb2", since=began)[0]
        announced = next(a for a in two.record.announcements("lb2", since=began) if a.address == VIP)
        given_up = two.record.changes(VIP, "lb1", since=began)[0]
        assert max(taken.at, announced.at) < given_up.at
        assert two.record.longest_absence(VIP, since=began) == 0.0
        assert two.record.overlap(VIP, since=began) < LEASE + LATE
        assert not two.lb1.socket_exists()
        began = time.monotonic()
        assert two.lb2.stop() == 0
        assert not two.record.changes(VIP, "lb2", since=began)[-1].there, "the last one takes its VIPs off"
        assert time.monotonic() - began < 10.0
