"""Directors that hear each other badly: one way only, seldom, or together with a stranger of the same VRID."""

import signal
import subprocess
import time

from failover.moves import Cause, State
from support import daemon
from support.directors import Director, pair, serve, until
from support.failover import VIP4, router_spec, vip
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

INTERVAL = 0.1
MASTER_DOWN = 0.3 + 156 / 256 * INTERVAL
OTHER = "10.99.0.200"
LOST_ADVERTS = "ip protocol vrrp"
LOST_RELEASES = "ip protocol vrrp @th,16,8 0"
"""Those of priority 0: the third byte of a message (RFC 9568 5.1)."""


def lose(net: Lan, name: str, rule: str) -> None:
    """From now on this host loses what the rule says, before anything of its own sees it."""
    rules = f"table inet loss {{ chain input {{ type filter hook input priority 0\n {rule} drop\n }}\n }}\n"
    words = ["ip", "netns", "exec", net.namespace(name), "nft", "-f", "-"]
    subprocess.run(words, input=rules, text=True, check=True, timeout=30)


def lose_no_more(net: Lan, name: str) -> None:
    """All arrives again."""
    net.run(name, "nft", "delete", "table", "inet", "loss")


def longest_overlap(recorder: Recorder, address: str, since: float) -> float:
    """The longest time in one piece in which more than one host had the address."""
    longest, began = 0.0, None
    for begin, end, holders in recorder._spans(address, since):
        began = begin if began is None else began
        if len(holders) < 2:
            began = None
        else:
            longest = max(longest, end - began)
    return longest


def test_a_master_that_is_not_heard_but_hears() -> None:
    """Two masters as long as the loss lasts: said by the one that hears, as an event; over at once when it heals."""
    with daemon.pair() as two:
        net, record = two.net, two.record
        lose(net, "lb2", LOST_ADVERTS)
        lost = time.monotonic()
        daemon.wait_until(lambda: two.lb2.is_state("master"))
        until(lambda: bool(record.adverts("lb2", since=lost)), 2.0)
        conflict = daemon.wait_until(lambda: two.lb1.events("conflict.two_masters"))[0]
        assert conflict["subject"] == "web"
        assert "10.99.0.2 advertises with priority 140, below ours (150)" in conflict["reason"]
        assert two.lb1.is_state("master")
        heard = record.adverts("lb1", since=lost)
        assert len(heard) < 2 * (time.monotonic() - lost) / INTERVAL + 10, (
            "answered more than once an interval"
        )

        lose_no_more(net, "lb2")
        healed = time.monotonic()
        daemon.wait_until(lambda: two.lb2.is_state("backup"))
        until(lambda: len(record.changes(daemon.VIP, "lb2", since=lost)) == 2, 2.0)
        assert record.changes(daemon.VIP, "lb2")[-1].at - healed < 5 * (INTERVAL + 0.02)
        assert len(record.changes(daemon.VIP, "lb1")) == 1
        assert record.longest_absence(daemon.VIP) == 0


def test_a_backup_that_is_not_heard() -> None:
    """It says nothing, so nothing is lost: the master stays, and so does the backup."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        lose(net, "a", LOST_ADVERTS)
        began = time.monotonic()
        time.sleep(5 * MASTER_DOWN)
        assert recorder.changes(VIP4, since=began) == []
        assert recorder.adverts("b") == []
        assert (a.state(), b.state()) == (State.MASTER, State.BACKUP)


def test_a_third_of_all_adverts_is_lost() -> None:
    """The backup takes over now and then; the master hears it and says so: never nobody, never two for long."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        for name in ("a", "b"):
            lose(net, name, f"{LOST_ADVERTS} numgen random mod 100 < 30")
        began = time.monotonic()
        time.sleep(8.0)
        assert a.state() is State.MASTER
        assert recorder.longest_absence(VIP4, since=began) == 0
        assert longest_overlap(recorder, VIP4, began) < 10 * INTERVAL
        for name in ("a", "b"):
            lose_no_more(net, name)
        until(lambda: b.state() is State.BACKUP and not b.holds(VIP4), 5 * MASTER_DOWN)
        calm = time.monotonic()
        time.sleep(3 * MASTER_DOWN)
        assert recorder.changes(VIP4, since=calm) == []
        assert len(recorder.changes(VIP4, "a")) == 1


def test_another_cluster_with_the_same_vrid() -> None:
    """VRRP knows one election for a VRID on a link: the better one wins it, and who lost says what is wrong."""
    with pair() as (net, recorder, a, b), Director(net, "b") as stranger:
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        stranger.apply(router_spec(priority=120, addresses=(vip(OTHER),)))
        told = f"{net.address('a')} advertises VRID 51 without {OTHER} and with {VIP4}"
        until(lambda: any(told in note for note in stranger.notes()), 5.0, "a warning in the log")
        until(lambda: told in stranger.reports["web"].reason, 5.0, "the reason in status")
        time.sleep(3 * MASTER_DOWN)
        assert (a.state(), stranger.state()) == (State.MASTER, State.BACKUP)
        assert recorder.changes(OTHER) == []
        assert len(recorder.changes(VIP4)) == 1
        assert b.notes() == []

        stranger.apply(router_spec(priority=200, addresses=(vip(OTHER),)))
        assert a.wait_for(State.BACKUP).cause is Cause.OUTRANKED
        told = f"{net.address('b')} advertises VRID 51 without {VIP4} and with {OTHER}"
        until(lambda: told in a.reports["web"].reason, 5.0)
        until(lambda: not a.holds(VIP4), 1.0)

        stranger.apply(router_spec(vrid=52, priority=200, addresses=(vip(OTHER),)))
        a.wait_for(State.MASTER)
        until(lambda: a.holds(VIP4) and stranger.holds(OTHER), 1.0)


def test_a_masters_last_word_when_its_releases_are_lost() -> None:
    """It ends and asks b by name, which stands still; c hears no release, but that a's daemon is ending: one missed advert
    is enough for it, where silence would need three."""
    slow = {"advert_interval": 1.0, "lease": 6}
    patience = 1.0 + 156 / 256
    with (
        lan("a", "b", "c") as net,
        Recorder(net) as recorder,
        Director(net, "a") as a,
        Director(net, "b") as b,
        Director(net, "c") as c,
    ):
        lose(net, "c", LOST_RELEASES)
        a.apply(router_spec(priority=150, **slow), peers=("b", "c"))
        a.wait_for(State.MASTER)
        b.apply(router_spec(priority=120, **slow), peers=("a", "c"))
        c.apply(router_spec(priority=100, **slow), peers=("a", "b"))
        for peer in (b, c):
            until(lambda peer=peer: peer.knows("a", State.MASTER), 10.0)  # type: ignore[misc]
        until(lambda: a.knows("b", State.BACKUP) and a.knows("c", State.BACKUP), 10.0)
        b.signal(signal.SIGSTOP)
        a.stop()
        assert c.wait_for(State.MASTER).cause is Cause.MASTER_GONE
        until(lambda: bool(recorder.adverts("c")), 2.0)
        last = [sent.at for sent in recorder.adverts("a") if sent.priority][-1]
        assert patience - 0.01 < recorder.changes(VIP4, "c")[0].at - last < patience + 0.5
        assert [sent.priority for sent in recorder.adverts("a")][-3:] == [0, 0, 0]
        assert recorder.longest_absence(VIP4) == 0
